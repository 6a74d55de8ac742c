"""The few forms of PromQL that most panels need.

`labels` is what stands between the braces of a selector, `by` the labels that stay apart.
"""

NOW = "1m"  # for figures as they are now: twelve scrapes
OVER_TIME = "$__rate_interval"  # for trends: follows the time range, never less than four scrapes


def rate(metric: str, labels: str = "", *, by: str = "", window: str = NOW) -> str:
    """Return the growth of a counter per second, added up."""
    return f"{_sum(by)} (rate({metric}{{{labels}}}[{window}]))"


def quantile(
    percent: int, metric: str, labels: str = "", *, by: str = "", window: str = NOW
) -> str:
    """Return the value that `percent` of 100 observations of a histogram did not exceed.

    NaN while nothing is observed.
    """
    buckets = rate(f"{metric}_bucket", labels, by=f"le, {by}" if by else "le", window=window)
    return f"histogram_quantile({percent / 100}, {buckets})"


def ratio(part: str, whole: str) -> str:
    """Return part / whole; 0 where there is no part yet, NaN while there is no whole."""
    return f"({part} or 0 * {whole}) / {whole}"


def or_zero(expr: str, while_up: str) -> str:
    """Return `expr`, and 0 while it does not exist although `while_up` does.

    A counter of errors that never happened is no series at all: absence must mean the part.
    """
    return f"{expr} or 0 * {while_up}"


def _sum(by: str) -> str:
    return f"sum by ({by})" if by else "sum"
