"""The web replicas: requests as the application measures them (`app/metrics.py`)."""

from grafana_foundation_sdk.builders import stat, timeseries

from grafana.panels import Query, limits, lines, running, value
from grafana.parts import boxes
from grafana.promql import OVER_TIME, quantile, rate, ratio

REQUESTS = "sluice_http_requests_total"
DURATION = "sluice_http_request_duration_seconds"
IN_FLIGHT = 'sluice_http_requests_in_flight{job="web"}'
CLASSES = (2, 3, 4, 5)


def figures() -> list[stat.Panel]:
    """Return the six figures of all replicas together."""
    return [
        running("Web →", 'sum(up{job="web"})', "Replicas that answer Prometheus.", look="web"),
        value(
            "Requests",
            rate(REQUESTS),
            "Requests per second, of all replicas together.",
            unit="reqps",
            look="web",
        ),
        value(
            "5xx",
            ratio(rate(REQUESTS, 'status=~"5.."'), rate(REQUESTS)),
            "Share of the answers that were server errors.",
            unit="percentunit",
            look=limits(0.001, 0.01),
        ),
        value(
            "p95 time",
            quantile(95, DURATION),
            "95 of 100 requests took no longer, from the first byte in to the last byte out.",
            unit="s",
            look=limits(0.5, 1),
        ),
        boxes.cpu("web"),
        value(
            "In flight",
            f"sum({IN_FLIGHT})",
            "Requests being answered now, in all replicas. It grows when they come faster than"
            " they are answered.",
            unit="short",
            look=limits(100, 300),
        ),
    ]


def trends() -> list[timeseries.Panel]:
    """Return requests by route and by answer, their time, and how they are spread."""
    return [
        lines(
            "Requests by route",
            [Query(rate(REQUESTS, by="route", window=OVER_TIME), "{{route}}")],
            "Requests per second of all replicas, by the route's template.",
            unit="reqps",
            stacked=True,
        ),
        lines(
            "Answers by class",
            [
                Query(rate(REQUESTS, f'status=~"{n}.."', window=OVER_TIME), f"{n}xx")
                for n in CLASSES
            ],
            "Answers per second. 2xx: fine, 3xx: not changed, 4xx: the client's fault, 5xx: ours.",
            unit="reqps",
        ),
        lines(
            "Time of a request",
            [Query(quantile(n, DURATION, window=OVER_TIME), f"p{n}") for n in (50, 95, 99)],
            "50, 95 and 99 of 100 requests took no longer. All routes, all replicas.",
            unit="s",
        ),
        lines(
            "In flight by replica",
            [Query(f"sum by (instance) ({IN_FLIGHT})", "{{instance}}")],
            "Requests being answered now. Equal heights: the load is spread evenly.",
            unit="short",
        ),
    ]
