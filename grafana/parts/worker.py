"""The workers and the relay: jobs as they measure them (`app/metrics.py`)."""

from grafana_foundation_sdk.builders import stat, timeseries

from grafana.panels import Query, Rows, limits, lines, running, value
from grafana.parts import boxes
from grafana.promql import OVER_TIME, or_zero, quantile, rate

SINCE = 5
UP = 'sum(up{job="worker"})'
JOBS = "sluice_jobs_total"
HERE = 'where="worker"'
KINDS = ("welcome_email", "process_avatar", "fan_out_post", "write_views")


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
            cause="database",
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


def rows() -> Rows:
    """Return the panels about workers of the dashboard about jobs."""
    return {"Jobs": _jobs(), "Time and trouble": _time()}


def _jobs() -> list[timeseries.Panel]:
    tried_again = rate(JOBS, 'outcome="failed"', by="kind", window=OVER_TIME)
    dead = rate("sluice_job_deaths_total", by="kind", window=OVER_TIME)
    any_job = f"sum by (kind) ({JOBS}{{{HERE}}})"
    return [
        trends()[0],
        lines(
            "Retries",
            [Query(or_zero(tried_again, any_job), "{{kind}}")],
            "Tries per second that failed and will be repeated, later and later.",
            unit="suffix:jobs/s",
            since=SINCE,
            names=KINDS,
        ),
        lines(
            "Given up",
            [Query(or_zero(dead, any_job), "{{kind}}")],
            "Jobs per second put with the dead letters: no try can do it, or the last one failed.",
            unit="suffix:jobs/s",
            since=SINCE,
            names=KINDS,
        ),
    ]


def _time() -> list[timeseries.Panel]:
    spent, count = (
        rate(f"sluice_job_duration_seconds_{what}", HERE, by="kind", window=OVER_TIME)
        for what in ("sum", "count")
    )
    p95 = quantile(95, "sluice_job_duration_seconds", HERE, by="kind", window=OVER_TIME)
    wait = quantile(95, "sluice_job_wait_seconds", by="kind", window=OVER_TIME)
    in_hand = 'sum by (kind) (sluice_worker_jobs_in_hand{job="worker"})'
    return [
        lines(
            "Time of a job, p95",
            [Query(p95, "{{kind}}")],
            "95 of 100 tries took no longer.",
            unit="s",
            since=SINCE,
            names=KINDS,
            causes=["database", "machines"],
        ),
        lines(
            "Time of a job, mean",
            [Query(f"{spent} / {count}", "{{kind}}")],
            "Mean time of a try.",
            unit="s",
            since=SINCE,
            names=KINDS,
        ),
        lines(
            "From cause to first try, p95",
            [Query(wait, "{{kind}}")],
            "95 of 100 jobs had their first try ended no later after what caused them: their time"
            " in the outbox and in the queue.",
            unit="s",
            since=SINCE,
            names=KINDS,
            causes=["machines"],
        ),
        lines(
            "In hand",
            [Query(in_hand, "{{kind}}")],
            "Jobs that workers have taken and not yet ended.",
            unit="short",
            since=SINCE,
            names=KINDS,
        ),
    ]
