"""What is asked of Prometheus, and its answers.

In: an address, a window of seconds, the moment at which it ends. Out: `Figures`. Every expression
is a rate or a mean over the whole window (`WINDOW`), so one busy second decides nothing.
"""

from __future__ import annotations

import json
import math
import urllib.error
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor

from stages import prometheus
from stages.compose import Stop

ANSWER_WITHIN_S = 10.0

# What a box may use is asked for as it is at the end of the window; a box that has just ended, such
# as the crowd's, still counts.
_CORES = "last_over_time(container_spec_cpu_quota[WINDOW]) / last_over_time(container_spec_cpu_period[WINDOW])"
_PERIODS = "sum by (service, name) (rate(container_cpu_cfs_{}periods_total[WINDOW]))"
_SEQ = 'label_join({}(pg_stat_user_tables_{}[WINDOW]), "key", " ", "instance", "relname")'
_QUEUES = 'queue!~".*[.]dead|jobs[.]later.*"'


def _mean(total: str, count: str) -> str:
    return f"{total} / ({count} > 0)"


def _job_s(what: str, where: str) -> str:
    return f'sum by (kind) (rate(sluice_job_duration_seconds_{what}{{where="{where}"}}[WINDOW]))'


def _rows(what: str, over: str) -> str:
    return f"max by (key) ({_SEQ.format(over, what)})"


# Name → an expression that gives one value for each value of one label, or one value alone.
QUESTIONS = {
    # --- what visitors notice ---
    "stage": 'max by (to) (last_over_time(sluice_stack_changed_timestamp_seconds{what="stage"}[WINDOW]))',
    "known_s": '5 * max(count_over_time(up{job="prometheus"}[WINDOW]))',
    "requests": "sum(rate(sluice_http_requests_total[WINDOW]))",
    "p95": "histogram_quantile(0.95, sum by (le) (rate(sluice_http_request_duration_seconds_bucket[WINDOW])))",
    "errors": 'sum(rate(sluice_http_requests_total{status=~"5.."}[WINDOW]))',
    "shed": "sum(rate(sluice_http_shed_total[WINDOW]))",
    "in_flight": 'sum(avg_over_time(sluice_http_requests_in_flight{job="web"}[WINDOW]))',
    "nginx": "sum by (instance) (rate(nginx_http_requests_total[WINDOW]))",
    "request_s": "sum(rate(sluice_http_request_duration_seconds_sum[WINDOW]))",
    # --- boxes; of several replicas the fullest ---
    "cores": f"max by (service) ({_CORES})",
    "cpu": "max by (service) (sum by (service, name) (rate(container_cpu_usage_seconds_total[WINDOW]))"
    f" / sum by (service, name) ({_CORES} > 0))",
    "throttled": f"max by (service) ({_PERIODS.format('throttled_')} / ({_PERIODS.format('')} > 0))",
    "memory": "max by (service) (max_over_time(container_memory_working_set_bytes[WINDOW])"
    " / (last_over_time(container_spec_memory_limit_bytes[WINDOW]) > 0))",
    "oom": "sum by (service) (increase(container_oom_events_total[WINDOW]))",
    # --- the machine ---
    "host_cpu": '1 - avg(rate(node_cpu_seconds_total{mode="idle"}[WINDOW]))',
    "host_cores": 'count(node_cpu_seconds_total{mode="idle"})',
    "stack_cores": "sum(rate(container_cpu_usage_seconds_total[WINDOW]))",
    "host_load": 'avg_over_time(node_load1[WINDOW]) / on () count(node_cpu_seconds_total{mode="idle"})',
    "host_memory": "1 - min(avg_over_time(node_memory_MemAvailable_bytes[WINDOW])) / sum(node_memory_MemTotal_bytes)",
    "disk_busy": "max(rate(node_disk_io_time_seconds_total[WINDOW]))",
    "disk_queue": "max(rate(node_disk_io_time_weighted_seconds_total[WINDOW]))",
    "disk_used": '1 - min(node_filesystem_avail_bytes{mountpoint="/"} / node_filesystem_size_bytes{mountpoint="/"})',
    # --- the pools of connections; of several replicas the fullest ---
    "pool_busy": 'max by (pool) (avg_over_time(sluice_db_pool_connections{job="web", state="in_use"}[WINDOW])'
    ' / on (instance, pool) group_left () last_over_time(sluice_db_pool_limit{job="web"}[WINDOW]))',
    "pool_size": 'max by (pool) (last_over_time(sluice_db_pool_limit{job="web"}[WINDOW]))',
    "pool_waiting": 'sum by (pool) (avg_over_time(sluice_db_pool_waiting{job="web"}[WINDOW]))',
    "pool_refused": 'sum by (pool) (rate(sluice_db_failures_total{job="web", reason="pool"}[WINDOW]))',
    # --- the databases ---
    "statement_s": 'sum(rate(sluice_db_statement_duration_seconds_sum{job="web"}[WINDOW]))'
    ' / (sum(rate(sluice_db_statement_duration_seconds_count{job="web"}[WINDOW])) > 0)',
    "server_s": _mean(
        'sum(rate(pg_stat_statements_seconds_total{user="sluice"}[WINDOW]))',
        'sum(rate(pg_stat_statements_calls_total{user="sluice"}[WINDOW]))',
    ),
    "timeouts": 'sum(rate(sluice_db_failures_total{job="web", reason="timeout"}[WINDOW]))',
    "rows": 'sum by (instance) (rate(pg_stat_statements_rows_total{user="sluice"}[WINDOW]))',
    "scans": _rows("seq_scan", "rate"),
    "scanned": _rows("seq_tup_read", "rate"),
    "table_rows": _rows("n_live_tup", "last_over_time"),
    # A look in which nobody waits has no such series: so by the number of looks.
    "lock_waiters": "sum by (wait_event) (sum_over_time(pg_stat_activity_count"
    '{instance="primary", wait_event_type="Lock"}[WINDOW]))'
    ' / on () group_left () count_over_time(pg_up{instance="primary"}[WINDOW])',
    "lock_s": 'max(max_over_time(pg_stat_activity_max_tx_duration{wait_event_type="Lock"}[WINDOW]))',
    "connections": "max by (instance) (sum by (instance) (avg_over_time(pg_stat_activity_count[WINDOW]))"
    " / on (instance) pg_settings_max_connections)",
    "lag_s": "max by (replica) (max_over_time(sluice_db_replica_lag_seconds[WINDOW]))",
    "lag_bytes": "max by (service) (max_over_time(service:pg_replication_lag:bytes[WINDOW]))",
    "replica_used": "min by (replica) (avg_over_time(sluice_db_replica_usable[WINDOW]))",
    # --- the cache ---
    "redis_used": "max(avg_over_time(redis_memory_used_bytes[WINDOW]) / (redis_memory_max_bytes > 0))",
    "redis_max": "max(redis_memory_max_bytes)",
    "evicted": "sum(rate(redis_evicted_keys_total[WINDOW]))",
    "hits": 'sum(rate(sluice_cache_reads_total{result=~"hit|negative"}[WINDOW]))'
    ' / (sum(rate(sluice_cache_reads_total{result!="off"}[WINDOW])) > 0)',
    "cache_failures": "sum(rate(sluice_cache_failures_total[WINDOW]))",
    "cache_paused": 'max(avg_over_time(sluice_cache_paused{job="web"}[WINDOW]))',
    # --- jobs ---
    "request_jobs": 'sum by (kind) (rate(sluice_jobs_total{where="request"}[WINDOW]))',
    "request_job_s": _mean(_job_s("sum", "request"), _job_s("count", "request")),
    "worker_jobs": 'sum by (kind) (rate(sluice_jobs_total{where="worker"}[WINDOW]))',
    "worker_job_s": _mean(_job_s("sum", "worker"), _job_s("count", "worker")),
    "in_hand": 'sum by (kind) (avg_over_time(sluice_worker_jobs_in_hand{job="worker"}[WINDOW]))',
    "queued": f"max by (queue) (last_over_time(rabbitmq_detailed_queue_messages_ready{{{_QUEUES}}}[WINDOW]))",
    "queue_grew": f"max by (queue) (delta(rabbitmq_detailed_queue_messages_ready{{{_QUEUES}}}[WINDOW]))",
    "queue_s": f"max by (queue) (last_over_time(queue:sluice_queue_oldest:seconds{{{_QUEUES}}}[WINDOW]))",
    "outbox_s": 'max(last_over_time(sluice_outbox_oldest_unsent_seconds{job="relay"}[WINDOW]))',
}  # fmt: skip


class Figures:
    """The answers: by question, then by the value of the one label; "" where there is none."""

    def __init__(self, values: Mapping[str, Mapping[str, float]]) -> None:
        """Take what was measured; a question may be missing or empty."""
        self._values = values

    def __bool__(self) -> bool:
        """Whether anything is known."""
        return any(self._values.values())

    def get(self, question: str, key: str = "") -> float | None:
        """Return one value, or None when it is not known."""
        return self._values.get(question, {}).get(key)

    def value(self, question: str, key: str = "") -> float:
        """Return one value; 0 when it is not known: what is not there is not busy."""
        return self._values.get(question, {}).get(key, 0.0)

    def total(self, question: str) -> float:
        """Return the sum over all keys."""
        return sum(self._values.get(question, {}).values())

    def each(self, question: str) -> Iterator[tuple[str, float]]:
        """Go through key and value, the greatest first."""
        found = self._values.get(question, {})
        yield from sorted(found.items(), key=lambda item: -item[1])

    def stage(self) -> str:
        """Return the stage that ran; nothing when nobody wrote it down."""
        return next((to for to, _ in self.each("stage")), "")


def fetch(address: str, window_s: float, at: float) -> Figures:
    """Ask everything at once. Raises Stop when Prometheus does not answer or refuses."""
    with ThreadPoolExecutor(8) as pool:
        asked = {
            name: pool.submit(ask, address, expression.replace("WINDOW", f"{window_s:.0f}s"), at)
            for name, expression in QUESTIONS.items()
        }
        return Figures({name: answer.result() for name, answer in asked.items()})


def ask(address: str, expression: str, at: float) -> dict[str, float]:
    """Return the values of one expression at a moment (seconds since 1970)."""
    try:
        found = prometheus.values(address, expression, at=at, within_s=ANSWER_WITHIN_S)
    except urllib.error.HTTPError as refused:
        with refused:
            said = json.load(refused).get("error", refused.reason)
        raise Stop(f"Prometheus refuses a question: {said} ({expression})") from None
    except OSError as error:
        raise Stop(f"Prometheus at {address} does not answer: {error}") from None
    return {" ".join(labels.values()): value for labels, value in found if math.isfinite(value)}
