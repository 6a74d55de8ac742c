"""Edge and load balancer: what Nginx counts of itself. Source: stub_status, by the exporter."""

from grafana_foundation_sdk.builders import stat

from grafana.panels import limits, running, value
from grafana.parts import boxes
from grafana.promql import rate


def figures(instance: str, title: str, *, since: int) -> list[stat.Panel]:
    """Return the six figures of the service `instance`."""
    one = f'instance="{instance}"'
    requests = rate("nginx_http_requests_total", one)
    accepted = rate("nginx_connections_accepted", one)
    handled = rate("nginx_connections_handled", one)
    # One of those in hand is always the exporter's own request.
    in_hand = f"clamp_min(sum(avg_over_time(nginx_connections_writing{{{one}}}[1m])) - 1, 0)"
    return [
        running(
            title,
            f"sum(nginx_up{{{one}}})",
            "Nginx processes that answer.",
            since=since,
            look=instance,
        ),
        value(
            "Requests",
            requests,
            "Requests per second.",
            unit="reqps",
            since=since,
            look=instance,
        ),
        value(
            "Refused",
            f"{accepted} - {handled}",
            "Connections per second that were accepted and then dropped because a limit was"
            " reached. Which answers were errors is said in the column of the web replicas.",
            unit="cps",
            since=since,
            look=limits(0.01, 1),
        ),
        value(
            "Mean time",
            f"{in_hand} / {requests}",
            "Mean time of a request inside Nginx and behind it, by Little's law: requests in hand"
            " divided by requests per second. Sampled every 5 s, so rough at little load.",
            unit="s",
            since=since,
            look=limits(0.5, 1),
        ),
        boxes.cpu(instance, since=since),
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
