"""Edge and load balancer: what Nginx says of itself, and what it tells of each request.

Sources: stub_status, by the exporter (`nginx_…`), and nginx/counts.py (`sluice_proxy_…`).
"""

from grafana_foundation_sdk.builders import stat, timeseries

from grafana.panels import Query, Rows, limits, lines, running, value
from grafana.parts import boxes
from grafana.promql import OVER_TIME, or_zero, quantile, rate, ratio

REQUESTS = "sluice_proxy_requests_total"
DURATION = "sluice_proxy_request_duration_seconds"
SENT = "sluice_proxy_sent_bytes_total"
UPSTREAM = "sluice_proxy_upstream_requests_total"
BOXES = ("edge", "edge-2", "lb")
EDGES = 'proxy=~"edge.*"'
CACHEABLE = f'{EDGES},cache!="NONE"'
STORED = f'{EDGES},cache=~"HIT|STALE|UPDATING|REVALIDATED"'
STATES = ("HIT", "REVALIDATED", "STALE", "UPDATING", "EXPIRED", "MISS", "BYPASS", "NONE")
CLASSES = ("2xx", "3xx", "4xx", "5xx")


def figures(box: str, title: str, *, since: int) -> list[stat.Panel]:
    """Return the six figures of one box."""
    one = f'instance="{box}"'
    mine = f'proxy="{box}"'
    requests = rate(REQUESTS, mine)
    return [
        running(
            title, f"sum(nginx_up{{{one}}})", "Nginx boxes that answer.", since=since, look=box
        ),
        value("Requests", requests, "Requests per second.", unit="reqps", since=since, look=box),
        value(
            "5xx",
            ratio(rate(REQUESTS, f'{mine},status="5xx"'), requests),
            "Share of the answers that were server errors, Nginx's own and those passed on.",
            unit="percentunit",
            since=since,
            look=limits(0.001, 0.01),
            cause="web",
        ),
        value(
            "p95 time",
            quantile(95, DURATION, mine),
            "95 of 100 requests took no longer, with everything behind this box.",
            unit="s",
            since=since,
            look=limits(0.5, 1),
            cause="web",
        ),
        boxes.cpu(box, since=since),
        value(
            "Open",
            f"sum(nginx_connections_active{{{one}}})",
            "Open connections of visitors, idle ones included. The limit is worker_connections,"
            " 4096, of which a proxied request takes two.",
            unit="short",
            since=since,
            look=limits(1600, 2000),
        ),
    ]


def trends() -> list[timeseries.Panel]:
    """Return what visitors ask for, and how much of it the edge spares the origin."""
    return [
        lines(
            "Requests by box",
            [Query(rate(REQUESTS, by="proxy", window=OVER_TIME), "{{proxy}}")],
            "Requests per second at each Nginx. What the edge gets and the balancer does not was"
            " answered by the edge.",
            unit="reqps",
            since=2,
            names=BOXES,
        ),
        lines(
            "Hit ratio of the edge",
            [
                Query(_ratio_of_stored(REQUESTS), "requests"),
                Query(_ratio_of_stored(SENT), "bytes"),
            ],
            "Of what may be stored, the share that the edge answered from its own copies.",
            unit="percentunit",
            since=5,
        ),
    ]


def rows() -> Rows:
    """Return all panels of the dashboard about edge and balancer."""
    return {
        "What the edge keeps from the origin": _edge(),
        "Answers": _answers(),
        "The servers behind": _upstreams(),
        "Connections": _connections(),
    }


def _ratio_of_stored(metric: str) -> str:
    stored, all_of_it = (rate(metric, one, window=OVER_TIME) for one in (STORED, CACHEABLE))
    return ratio(stored, all_of_it)


def _edge() -> list[timeseries.Panel]:
    to_edges = rate(SENT, 'proxy="lb"', window=OVER_TIME)
    return [
        trends()[1],
        lines(
            "Requests by state of the cache",
            [Query(rate(REQUESTS, EDGES, by="cache", window=OVER_TIME), "{{cache}}")],
            "Nginx's words. HIT, STALE, UPDATING and REVALIDATED are answers from a stored copy,"
            " MISS and EXPIRED were fetched, BYPASS belongs to a member, NONE is never stored.",
            unit="reqps",
            since=5,
            names=STATES,
            stacked=True,
        ),
        lines(
            "Bytes to visitors",
            [
                Query(rate(SENT, EDGES, window=OVER_TIME), "sent by the edge"),
                Query(f'{to_edges} and on() nginx_up{{instance="edge"}}', "sent by the origin"),
                Query(rate(SENT, STORED, window=OVER_TIME), "saved"),
            ],
            "Bytes per second from the edges to visitors, from the balancer to the edges, and what"
            " visitors got from stored copies: the origin did not send it.",
            unit="Bps",
            since=5,
        ),
        lines(
            "Refused: too many requests (429)",
            [
                Query(
                    rate("sluice_proxy_limited_total", EDGES, by="proxy", window=OVER_TIME),
                    "{{proxy}}",
                )
            ],
            "Requests per second above what one client may ask for (CLIENT_RATE, CLIENT_BURST).",
            unit="reqps",
            since=5,
            names=BOXES,
        ),
    ]


def _answers() -> list[timeseries.Panel]:
    entry = 'proxy=~"edge.*"'
    behind = 'proxy="lb"'
    return [
        *(
            lines(
                f"Answers of the {name}",
                [Query(rate(REQUESTS, one, by="status", window=OVER_TIME), "{{status}}")],
                "Answers per second. 2xx: fine, 3xx: not changed, 4xx: the client's fault, 5xx:"
                " ours.",
                unit="reqps",
                since=since,
                names=CLASSES,
                causes=["web"],
            )
            for name, one, since in (("edge", entry, 5), ("balancer", behind, 2))
        ),
        *(
            lines(
                f"Time at the {name}",
                [
                    Query(quantile(n, DURATION, one, window=OVER_TIME), f"p{n}")
                    for n in (50, 95, 99)
                ],
                "50, 95 and 99 of 100 requests took no longer, with everything behind.",
                unit="s",
                since=since,
                causes=["web"],
            )
            for name, one, since in (("edge", entry, 5), ("balancer", behind, 2))
        ),
    ]


def _upstreams() -> list[timeseries.Panel]:
    replicas = 'proxy="lb",upstream!="other"'
    tries = rate(UPSTREAM, replicas, by="upstream", window=OVER_TIME)
    spent = rate("sluice_proxy_upstream_seconds_total", replicas, by="upstream", window=OVER_TIME)
    failed = rate(UPSTREAM, 'status="failed"', by="proxy, upstream", window=OVER_TIME)
    any_try = rate(UPSTREAM, by="proxy, upstream", window=OVER_TIME)
    return [
        lines(
            "Requests to each replica",
            [Query(tries, "{{upstream}}")],
            "Tries per second of the balancer. Equal heights: it spreads evenly. An address that"
            " nobody is sent to any more leaves after five minutes.",
            unit="reqps",
            since=2,
            stacked=True,
        ),
        lines(
            "Failures of each server",
            [Query(or_zero(failed, any_try), "{{proxy}} → {{upstream}}")],
            "Tries per second that got no answer: not reached, cut off, too late. Another server is"
            " asked then, if that can do nothing twice.",
            unit="reqps",
            since=2,
            causes=["web", "machines"],
        ),
        lines(
            "Mean time of each replica",
            [Query(f"{spent} / {tries}", "{{upstream}}")],
            "Time of a try, from the connection to the last byte. One line above the others is a"
            " slow replica.",
            unit="s",
            since=2,
            causes=["web", "machines"],
        ),
        lines(
            "No server to ask",
            [Query(rate("sluice_proxy_unserved_total", by="proxy", window=OVER_TIME), "{{proxy}}")],
            "Tries per second that found every server full (max_conns) or marked as failed: the"
            " visitor gets 503.",
            unit="reqps",
            since=2,
            names=BOXES,
            causes=["web"],
        ),
    ]


def _connections() -> list[timeseries.Panel]:
    accepted, handled = (
        rate(f"nginx_connections_{what}", by="instance", window=OVER_TIME)
        for what in ("accepted", "handled")
    )
    return [
        lines(
            "Open connections",
            [Query("sum by (instance) (nginx_connections_active)", "{{instance}}")],
            "Connections of visitors, or of edges, idle ones included.",
            unit="short",
            since=2,
            names=BOXES,
        ),
        lines(
            "Connections dropped",
            [Query(f"{accepted} - {handled}", "{{instance}}")],
            "Connections per second that were accepted and dropped because worker_connections was"
            " reached.",
            unit="cps",
            since=2,
            names=BOXES,
        ),
        lines(
            "Lines counted",
            [
                Query(
                    rate("sluice_proxy_lines_total", by="outcome", window=OVER_TIME), "{{outcome}}"
                ),
                Query(rate("sluice_proxy_lines_dropped_total", window=OVER_TIME), "dropped"),
            ],
            "What this dashboard stands on: lines per second that Nginx told the exporter, those it"
            " could not read, and those that came too fast.",
            unit="ops",
            since=2,
        ),
    ]
