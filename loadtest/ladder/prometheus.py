"""What Prometheus has seen between two moments: cache, jobs, replication, queue."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from loadtest.bench.commands import Stop
from stages import prometheus

ANSWER_WITHIN_S = 15
# As the dashboards and alerts count it (prometheus/rules/cache.yml).
FROM_CACHE = ("hit", "negative")
# Not read through the cache at all.
NOT_A_READ = ("off",)


class Prometheus:
    """Asks for figures of a window that is over."""

    def __init__(self, address: str) -> None:
        self._address = address

    def window(self, began: float, ended: float) -> dict[str, Any]:
        """Everything the report wants to know of these seconds."""
        reads = self.grown("sluice_cache_reads_total", "result", began, ended)
        seconds = f"[{max(1, round(ended - began))}s]"
        lag = f"max(max_over_time(service:pg_replication_lag:seconds{seconds}))"
        oldest = f'max(max_over_time(sluice_outbox_oldest_unsent_seconds{{job="relay"}}{seconds}))'
        buckets = f"sum by (le) (increase(sluice_job_wait_seconds_bucket{seconds}))"
        return {
            "cache_reads": reads,
            "cache_hit_ratio": hit_ratio(reads),
            "jobs": self.grown("sluice_jobs_total", "where", began, ended),
            "replication_lag_s": self.value(lag, ended),
            "outbox_oldest_s": self.value(oldest, ended),
            "job_wait_p95_s": self.value(f"histogram_quantile(0.95, {buckets})", ended),
        }

    def grown(self, counter: str, label: str, began: float, ended: float) -> dict[str, float]:
        """By how much a counter grew, summed by a label.

        Series by series, since each stage has other containers: one that was not there at the
        beginning began at zero, and one that is gone at the end is of a stage before. (Prometheus
        is started anew with the stage, so it goes on showing those for a minute.)
        """
        before = {_key(labels): value for labels, value in self._values(counter, began)}
        grown: dict[str, float] = defaultdict(float)
        for labels, value in self._values(counter, ended):
            grown[labels[label]] += value - before.get(_key(labels), 0.0)
        return {name: value for name, value in grown.items() if value > 0}

    def value(self, expression: str, at: float) -> float | None:
        """One value; None where there is none."""
        found = self._values(expression, at)
        return round(found[0][1], 4) if found else None

    def _values(self, expression: str, at: float) -> list[tuple[dict[str, str], float]]:
        try:
            return prometheus.values(self._address, expression, at=at, within_s=ANSWER_WITHIN_S)
        except OSError as trouble:
            raise Stop(f"Prometheus does not answer: {trouble}") from trouble


def _key(labels: dict[str, str]) -> frozenset[tuple[str, str]]:
    return frozenset(labels.items())


def hit_ratio(reads: dict[str, float]) -> float | None:
    """The share of reads through the cache that it answered; None without a cache."""
    asked = sum(number for result, number in reads.items() if result not in NOT_A_READ)
    hits = sum(reads.get(result, 0) for result in FROM_CACHE)
    return round(hits / asked, 4) if asked else None
