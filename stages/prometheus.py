"""What Prometheus knows: an expression in, the values that it gives at a moment out."""

from __future__ import annotations

import json
import urllib.parse
import urllib.request


def values(
    address: str, expression: str, *, at: float | None = None, within_s: float
) -> list[tuple[dict[str, str], float]]:
    """Return labels and value of each series that has a number; now, or at a moment.

    `at` is in seconds since 1970.

    Raises:
        OSError: it is not there, or too slow. `HTTPError`: it refuses the question.
    """
    words = {"query": expression} | ({} if at is None else {"time": f"{at:.3f}"})
    url = f"{address}/api/v1/query?{urllib.parse.urlencode(words)}"
    with urllib.request.urlopen(url, timeout=within_s) as answer:  # noqa: S310 # our own port
        found = json.load(answer)["data"]["result"]
    told = [(one["metric"], float(one["value"][1])) for one in found]
    return [(labels, value) for labels, value in told if value == value]  # noqa: PLR0124 (NaN)
