"""A dashboard for each group of parts: what to look at once the ladder has said which it is.

The panels themselves are made beside the part that they show (parts/).
"""

from grafana_foundation_sdk.models.dashboard import Dashboard

from grafana.page import page
from grafana.parts import boxes, host, nginx, objectives, postgres, rabbitmq, redis, web, worker


def of_web() -> Dashboard:
    """The application, as it measures itself."""
    about = "Rate, errors and duration of requests, by route and by replica."
    return page("web", about, [web.figures()], web.rows())


def of_database() -> Dashboard:
    """PostgreSQL, and how the application uses it."""
    about = "Statements, connections, locks, replication and WAL of the primary and its replicas."
    return page("database", about, [postgres.figures()], postgres.rows())


def of_cache() -> Dashboard:
    """Redis, and what the application reads through it."""
    about = "What became of reads through the cache, and Redis itself."
    return page("cache", about, [redis.figures()], redis.rows())


def of_jobs() -> Dashboard:
    """From the outbox to the workers."""
    about = "Outbox → relay → RabbitMQ → workers: what waits, what fails, what was given up."
    rows = rabbitmq.rows() | worker.rows()
    return page("jobs", about, [rabbitmq.figures(), worker.figures()], rows)


def of_proxies() -> Dashboard:
    """The edge and the balancer."""
    about = "What visitors get from the edge, and how the balancer spreads what is left."
    edge = nginx.figures("edge", "Edge", since=5)
    lb = nginx.figures("lb", "Balancer", since=2)
    return page("proxies", about, [edge, lb], nginx.rows())


def of_machines() -> Dashboard:
    """What everything runs on."""
    about = "CPU, memory, disk and network of every container and of the machine."
    return page("machines", about, [host.figures()], boxes.rows() | host.rows())


def of_objectives() -> Dashboard:
    """What is promised, and how much of it is left."""
    about = (
        "What is promised over 30 days (prometheus/rules/slo.yml): 99.5 % of the answers are no"
        " server errors, 95 % take no longer than 250 ms."
    )
    return page("slo", about, [objectives.figures()], objectives.rows())
