"""The cache: reads as the application counts them, and Redis itself by its exporter."""

from grafana_foundation_sdk.builders import stat, timeseries

from grafana.panels import FULL, Query, limits, lines, running, value
from grafana.parts import boxes
from grafana.promql import OVER_TIME, rate, ratio

SINCE = 4
READS = "sluice_cache_reads_total"
ANSWERED = 'result=~"hit|negative"'
ASKED = 'result!="off"'
# What the exporter itself asks for is not part of the load.
OURS = 'cmd!~"(info|config|latency|slowlog|client|cluster|command|hello|ping|auth).*"'


def figures() -> list[stat.Panel]:
    """Return the six figures of the cache."""
    commands = rate("redis_commands_total", OURS)
    spent = rate("redis_commands_duration_seconds_total", OURS)
    hit_ratio = ratio(rate(READS, ANSWERED), rate(READS, ASKED))
    return [
        running(
            "Cache →", "sum(redis_up)", "Redis servers that answer.", since=SINCE, look="redis"
        ),
        value(
            "Commands",
            commands,
            "Commands per second, without those of the exporter.",
            unit="ops",
            since=SINCE,
            look="redis",
        ),
        value(
            "Hit ratio",
            f"({hit_ratio}) and on() redis_up",
            "Share of the reads that the cache answered. Goal: 80 % and more. The rest went to the"
            " database.",
            unit="percentunit",
            since=SINCE,
            look=limits(0.8, 0.5),
        ),
        value(
            "Mean time",
            f"{spent} / {commands}",
            "Mean time of a command inside Redis, without the way there and back.",
            unit="s",
            since=SINCE,
            look=limits(0.001, 0.01),
        ),
        boxes.cpu("redis", since=SINCE),
        value(
            "Memory",
            "max(redis_memory_used_bytes / redis_memory_max_bytes)",
            "Of `maxmemory`. When it is full, keys are evicted.",
            unit="percentunit",
            since=SINCE,
            look=FULL,
        ),
    ]


def trends() -> list[timeseries.Panel]:
    """Return what became of reads, the hit ratio, and what Redis holds and removes."""
    answered = rate(READS, ANSWERED, by="family", window=OVER_TIME)
    asked = rate(READS, ASKED, by="family", window=OVER_TIME)
    return [
        lines(
            "Reads through the cache",
            [Query(rate(READS, ASKED, by="result", window=OVER_TIME), "{{result}}")],
            "hit: answered by Redis; negative: known to be absent; miss: loaded from the database;"
            " wait: another request was loading it; fenced: just changed, read from the primary;"
            " error: Redis did not answer in time.",
            unit="ops",
            since=SINCE,
            names=("hit", "negative", "miss", "wait", "fenced", "error"),
            stacked=True,
        ),
        lines(
            "Hit ratio by family",
            [Query(f"{answered} / {asked}", "{{family}}")],
            "Share of the reads that Redis answered, by the first word of the key. Goal: 80 %.",
            unit="percentunit",
            since=SINCE,
        ),
        lines(
            "Keys removed",
            [
                Query(rate("redis_evicted_keys_total", window=OVER_TIME), "evicted"),
                Query(rate("redis_expired_keys_total", window=OVER_TIME), "expired"),
            ],
            "Keys per second: evicted because memory was full, expired because their time was up.",
            unit="ops",
            since=SINCE,
        ),
        lines(
            "Memory of Redis",
            [
                Query("sum(redis_memory_used_bytes)", "used"),
                Query("sum(redis_memory_max_bytes)", "limit"),
            ],
            "Memory that Redis holds, and the limit (`maxmemory`) at which it begins to evict.",
            unit="bytes",
            since=SINCE,
        ),
    ]
