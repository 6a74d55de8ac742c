"""The workers and the relay: jobs as they measure them (`app/metrics.py`)."""

from grafana_foundation_sdk.builders import stat, timeseries

from grafana.panels import Query, limits, lines, running, value
from grafana.parts import boxes
from grafana.promql import OVER_TIME, or_zero, quantile, rate

SINCE = 5
UP = 'sum(up{job="worker"})'
JOBS = "sluice_jobs_total"
HERE = 'where="worker"'


def figures() -> list[stat.Panel]:
    """Return the six figures of all workers together."""
    took = quantile(95, "sluice_job_duration_seconds", HERE)
    return [
        running("Workers", UP, "Workers that answer Prometheus.", since=SINCE, look="worker"),
        value(
            "Jobs done",
            or_zero(rate(JOBS, f'{HERE},outcome="done"'), UP),
            "Jobs per second that were done.",
            unit="suffix:jobs/s",
            since=SINCE,
            look="worker",
        ),
        value(
            "Failed",
            or_zero(rate(JOBS, f'{HERE},outcome=~"failed|dead"'), UP),
            "Tries per second that failed: those that will be repeated and those given up.",
            unit="suffix:jobs/s",
            since=SINCE,
            look=limits(0.01, 1),
        ),
        value(
            "p95 time",
            f"{took} or {UP} * NaN",
            "95 of 100 tries took no longer.",
            unit="s",
            since=SINCE,
            look=limits(1, 5),
        ),
        boxes.cpu("worker", since=SINCE),
        value(
            "In hand",
            'sum(sluice_worker_jobs_in_hand{job="worker"})',
            "Jobs that workers are doing now.",
            unit="short",
            since=SINCE,
            look="worker",
        ),
    ]


def trends() -> list[timeseries.Panel]:
    """Return what became of jobs, and what waits to be published."""
    return [
        lines(
            "Jobs by outcome",
            [Query(rate(JOBS, by="kind, outcome", window=OVER_TIME), "{{kind}} {{outcome}}")],
            "Jobs per second, wherever they are done. done; duplicate: done before; failed: will"
            " be tried again; dead: given up. Before stage 5 the request itself does them.",
            unit="suffix:jobs/s",
        ),
        lines(
            "Outbox",
            [Query('max(sluice_outbox_unsent{job="relay"})', "waiting")],
            "Jobs that are written and not yet published. It grows while RabbitMQ or the relay is"
            " away; nothing is lost.",
            unit="short",
            since=SINCE,
        ),
    ]
