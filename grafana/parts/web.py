"""The web replicas: requests as the application measures them (`app/metrics.py`)."""

from grafana_foundation_sdk.builders import stat, timeseries

from grafana.panels import Query, Rows, limits, lines, running, value
from grafana.parts import boxes
from grafana.promql import OVER_TIME, or_zero, quantile, rate, ratio

REQUESTS = "sluice_http_requests_total"
DURATION = "sluice_http_request_duration_seconds"
IN_FLIGHT = 'sluice_http_requests_in_flight{job="web"}'
CLASSES = (2, 3, 4, 5)
PARTS = ("sum", "count")  # of a histogram: their quotient is the mean


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
            cause="database",
        ),
        value(
            "p95 time",
            quantile(95, DURATION),
            "95 of 100 requests took no longer, from the first byte in to the last byte out.",
            unit="s",
            look=limits(0.5, 1),
            cause="database",
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
    spent, count = (rate(f"{DURATION}_{what}", window=OVER_TIME) for what in PARTS)
    all_of_them = rate(REQUESTS, window=OVER_TIME)
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
                Query(
                    or_zero(rate(REQUESTS, f'status=~"{n}.."', window=OVER_TIME), all_of_them),
                    f"{n}xx",
                )
                for n in CLASSES
            ],
            "Answers per second. 2xx: fine, 3xx: not changed, 4xx: the client's fault, 5xx: ours.",
            unit="reqps",
        ),
        lines(
            "Time of a request",
            [Query(quantile(n, DURATION, window=OVER_TIME), f"p{n}") for n in (50, 95, 99)]
            + [Query(f"{spent} / {count}", "mean")],
            "50, 95 and 99 of 100 requests took no longer, and the mean. All routes, all replicas.",
            unit="s",
            causes=["database", "cache", "machines"],
        ),
        lines(
            "In flight by replica",
            [Query(f"sum by (instance) ({IN_FLIGHT})", "{{instance}}")],
            "Requests being answered now. Equal heights: the load is spread evenly.",
            unit="short",
        ),
    ]


def rows() -> Rows:
    """Return all panels of the dashboard about the application."""
    return {
        "Requests": [*trends()[:2], *_errors()],
        "Time": _time(),
        "Replicas": _replicas(),
        "What a request costs": _costs(),
    }


def _errors() -> list[timeseries.Panel]:
    requests, errors = "route:sluice_http_requests:rate1m", "route:sluice_http_errors:rate1m"
    turned_away = rate("sluice_http_shed_total", window=OVER_TIME)
    unforeseen = rate("sluice_http_exceptions_total", window=OVER_TIME)
    return [
        lines(
            "5xx by route",
            [Query(f"{errors} / ({requests} > 0)", "{{method}} {{route}}")],
            "Share of a route's answers that were server errors, over one minute.",
            unit="percentunit",
            causes=["database", "cache"],
        ),
        lines(
            "Turned away and unforeseen",
            [
                Query(or_zero(turned_away, 'sum(up{job="web"})'), "turned away"),
                Query(or_zero(unforeseen, 'sum(up{job="web"})'), "unforeseen errors"),
            ],
            "Requests per second: refused with 503 because too many were in hand already, and those"
            " that ended in an error nobody foresaw.",
            unit="reqps",
            causes=["database", "machines"],
        ),
    ]


def _time() -> list[timeseries.Panel]:
    spent, count = (rate(f"{DURATION}_{what}", by="route", window=OVER_TIME) for what in PARTS)
    return [
        trends()[2],
        lines(
            "p95 by route",
            [Query("route:sluice_http_request_duration_seconds:p95_1m", "{{method}} {{route}}")],
            "95 of 100 requests of a route took no longer, over one minute.",
            unit="s",
            causes=["database", "cache"],
        ),
        lines(
            "Mean by route",
            [Query(f"{spent} / {count}", "{{route}}")],
            "Mean time of a route's requests.",
            unit="s",
            causes=["database", "cache"],
        ),
    ]


def _replicas() -> list[timeseries.Panel]:
    spent, count = (rate(f"{DURATION}_{what}", by="instance", window=OVER_TIME) for what in PARTS)
    return [
        lines(
            "Requests by replica",
            [Query("instance:sluice_http_requests:rate1m", "{{instance}}")],
            "Requests per second over one minute. Equal heights: the balancer spreads evenly.",
            unit="reqps",
            stacked=True,
            causes=["proxies"],
        ),
        lines(
            "Mean time by replica",
            [Query(f"{spent} / {count}", "{{instance}}")],
            "One line above the others is a slow replica.",
            unit="s",
            causes=["machines"],
        ),
        trends()[3],
        lines(
            "Connections and files by replica",
            [Query('sum by (instance) (process_open_fds{job="web"})', "{{instance}}")],
            "What a process has open: connections of visitors or of the balancer, of its pools, to"
            " Redis, and a few files.",
            unit="short",
        ),
    ]


def _costs() -> list[timeseries.Panel]:
    # With hardly any request it would show what a start costs, and nothing beside that.
    requests = f"({rate(REQUESTS, window=OVER_TIME)} > 1)"
    per_request = {
        "statements": rate("sluice_db_statements_total", 'job="web"', window=OVER_TIME),
        "reads of the cache": rate("sluice_cache_reads_total", 'result!="off"', window=OVER_TIME),
    }
    cpu = rate("process_cpu_seconds_total", 'job="web"', window=OVER_TIME)
    views = rate("sluice_views_counted_total", by="where", window=OVER_TIME)
    return [
        lines(
            "Behind a request",
            [Query(f"{what} / {requests}", name) for name, what in per_request.items()],
            "Statements and reads of the cache for each request. From stage 4 on the cache stands"
            " in for most statements.",
            unit="none",
            causes=["database", "cache"],
        ),
        lines(
            "CPU time of a request",
            [Query(f"{cpu} / {requests}", "CPU time")],
            "Processor time of all replicas, for each request that they answered.",
            unit="s",
        ),
        lines(
            "Views counted",
            [Query(views, "{{where}}")],
            "Views per second: gathered in Redis (from stage 4 on), written to the primary at once,"
            " or lost because both were away.",
            unit="ops",
            names=("redis", "primary", "lost"),
        ),
    ]
