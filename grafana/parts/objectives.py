"""What is promised: availability and latency over 30 days. Source: prometheus/rules/slo.yml."""

from grafana_foundation_sdk.builders import stat, timeseries

from grafana.panels import Query, Rows, limits, lines, value
from grafana.promql import or_zero

BUDGETS = {"availability": 0.005, "latency": 0.05}  # as in slo.yml
EVERY = "15s"  # interval of the group slo
WINDOWS = ("5m", "30m", "1h", "6h")
BURNS = limits(6, 14.4)  # where the alerts begin
CAUSES = ["web", "database", "machines"]


def figures() -> list[stat.Panel]:
    """Return for both promises: how they are kept, how fast the budget burns, what is left."""
    return [figure for name in BUDGETS for figure in _figures(name)]


def _figures(name: str) -> list[stat.Panel]:
    budget = BUDGETS[name]
    bad = "slo:failures:rate5m" if name == "availability" else "slo:slow:rate5m"
    used = f"sum_over_time({bad}[7d]) / (sum_over_time(slo:requests:rate5m[7d]) > 0)"
    return [
        value(
            f"{name.capitalize()}, 1 h",
            f"1 - {budget} * slo:{name}:burn1h",
            f"Share of the requests of the last hour that kept the promise: {1 - budget:.1%}.",
            unit="percentunit",
            look=limits(1 - budget, 1 - 2 * budget),
            cause="web",
        ).decimals(2),
        value(
            "Burn rate, 1 h",
            f"slo:{name}:burn1h",
            "How fast the budget of failures is used up: 1 uses it up in exactly 30 days. From 14.4"
            " on there is an alert.",
            unit="none",
            look=BURNS,
            cause="web",
        ).decimals(2),
        value(
            "Budget left",
            f"1 - {used} / {budget} * 7 / 30",
            "Of the budget of 30 days, what the last seven days (as far as Prometheus remembers)"
            " have left.",
            unit="percentunit",
            look=limits(0.5, 0.2),
        ).decimals(1),
    ]


def rows() -> Rows:
    """Return all panels of the dashboard about what is promised."""
    return {"How fast the budget burns": _burns(), "What it is made of": _parts(), "Now": _alerts()}


def _burns() -> list[timeseries.Panel]:
    return [
        lines(
            f"Burn rate of {name}",
            [Query(f"slo:{name}:burn{window}", window, EVERY) for window in WINDOWS],
            "1: as fast as allowed. The alert for a fast burn needs 14.4 over 1 h and 5 min, the"
            " one for a slow burn 6 over 6 h and 30 min.",
            unit="none",
            causes=CAUSES,
        )
        for name in BUDGETS
    ]


def _parts() -> list[timeseries.Panel]:
    return [
        lines(
            "Requests judged",
            [Query("slo:requests:rate5m", "requests", EVERY)],
            "Requests per second over five minutes, those turned away included.",
            unit="reqps",
        ),
        lines(
            "Requests that broke a promise",
            [
                Query("slo:failures:rate5m", "failed", EVERY),
                Query("slo:slow:rate5m", "slower than 250 ms", EVERY),
            ],
            "Requests per second over five minutes.",
            unit="reqps",
            causes=CAUSES,
        ),
    ]


def _alerts() -> list[timeseries.Panel]:
    firing = 'count by (alertname) (ALERTS{alertstate="firing"})'
    return [
        lines(
            "Alerts",
            [
                Query(
                    or_zero(firing, 'label_replace(vector(1), "alertname", "none", "", "")'),
                    "{{alertname}}",
                    EVERY,
                )
            ],
            "What Prometheus has sent to Alertmanager, by name. Each has a page in docs/runbooks.",
            unit="short",
            names=["none"],
            stacked=True,
        ),
    ]
