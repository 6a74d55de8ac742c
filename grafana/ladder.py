"""The ladder: the path of a request from left to right, each part's figures from top to bottom.

A column is a part: how many run, rate, errors, duration (RED), then how full it is (USE). Below,
the same over time. Parts that the stage does not have say from which stage on they exist.
"""

from grafana_foundation_sdk.models.dashboard import Dashboard

from grafana.page import page
from grafana.panels import Rows, links
from grafana.parts import boxes, host, nginx, postgres, rabbitmq, redis, web, worker

# The columns, and the dashboard that has more of each.
HOPS = [
    (nginx.figures("edge", "Edge →", since=5), "proxies"),
    (nginx.figures("lb", "LB →", since=2), "proxies"),
    (web.figures(), "web"),
    (redis.figures(), "cache"),
    (postgres.figures(), "database"),
    (rabbitmq.figures(), "jobs"),
    (worker.figures(), "jobs"),
    (host.figures(), "machines"),
]

TRENDS: Rows = {
    "Requests": web.trends(),
    "Containers and host": boxes.trends() + host.trends(),
    "Edge and balancer": nginx.trends(),
    "Cache": redis.trends(),
    "Database": postgres.trends(),
    "Queue and workers": rabbitmq.trends() + worker.trends(),
}

ABOUT = (
    "The path of a request from left to right, with each part's rate, errors, duration and"
    " saturation. The column with the highest saturation is the bottleneck."
)


def dashboard() -> Dashboard:
    """Return the dashboard's model."""
    columns = [[head.links(links([more])), *figures] for (head, *figures), more in HOPS]
    return page("ladder", ABOUT, list(zip(*columns, strict=True)), TRENDS)
