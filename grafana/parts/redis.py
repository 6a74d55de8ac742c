"""The cache: reads as the application counts them, and Redis itself by its exporter."""

from grafana_foundation_sdk.builders import stat, timeseries

from grafana.panels import FULL, Query, Rows, limits, lines, running, value
from grafana.parts import boxes
from grafana.promql import OVER_TIME, or_zero, rate, ratio

SINCE = 4
READS = "sluice_cache_reads_total"
ANSWERED = 'result=~"hit|negative"'
ASKED = 'result!="off"'
FAMILIES = ("user", "post", "posts", "session")
RESULTS = ("hit", "stale", "negative", "miss", "wait", "fenced", "bypass", "error")
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
            cause="database",
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
            "hit: answered by Redis; stale: served while it is loaded anew; negative: known to be"
            " absent; miss: loaded from the database; wait: another request was loading it; fenced:"
            " just changed, read from the primary; bypass: by who wrote what Redis could not be"
            " told; error: Redis did not answer in time.",
            unit="ops",
            since=SINCE,
            names=RESULTS,
            stacked=True,
        ),
        lines(
            "Hit ratio by family",
            [Query(f"{answered} / {asked}", "{{family}}")],
            "Share of the reads that Redis answered, by the first word of the key. Goal: 80 %.",
            unit="percentunit",
            since=SINCE,
            names=FAMILIES,
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


def rows() -> Rows:
    """Return all panels of the dashboard about the cache."""
    reads, ratios, removed, memory = trends()
    return {
        "Reads": [reads, ratios, _reads_by_family()],
        "Redis": [memory, removed, *_redis()],
        "Commands": _commands(),
        "Values on their way in and out": _fills(),
        "When Redis does not answer": _failures(),
    }


def _reads_by_family() -> timeseries.Panel:
    return lines(
        "Reads by family",
        [Query(rate(READS, ASKED, by="family", window=OVER_TIME), "{{family}}")],
        "Reads per second through the cache, by the first word of the key.",
        unit="ops",
        since=SINCE,
        names=FAMILIES,
        stacked=True,
    )


def _redis() -> list[timeseries.Panel]:
    return [
        lines(
            "Clients",
            [Query("sum(redis_connected_clients)", "connected")],
            "Open connections: a few a replica, the worker and the exporter.",
            unit="short",
            since=SINCE,
        ),
        lines(
            "Keys",
            [Query("sum(redis_db_keys)", "keys"), Query("sum(redis_db_keys_expiring)", "expiring")],
            "Keys in Redis, and those whose time will be up.",
            unit="short",
            since=SINCE,
        ),
    ]


def _commands() -> list[timeseries.Panel]:
    commands = rate("redis_commands_total", OURS, by="cmd", window=OVER_TIME)
    spent = rate("redis_commands_duration_seconds_total", OURS, by="cmd", window=OVER_TIME)
    return [
        lines(
            "Commands",
            [Query(f"{commands} > 0", "{{cmd}}")],
            "Commands per second, without those of the exporter.",
            unit="ops",
            since=SINCE,
            stacked=True,
        ),
        lines(
            "Mean time of a command",
            [Query(f"{spent} / ({commands} > 0)", "{{cmd}}")],
            "Inside Redis, without the way there and back. Redis does one command at a time: a slow"
            " one keeps all others waiting.",
            unit="s",
            since=SINCE,
        ),
    ]


def _fills() -> list[timeseries.Panel]:
    on = 'sum(up{job="redis"})'
    return [
        lines(
            "Values loaded",
            [
                Query(
                    rate("sluice_cache_fills_total", by="outcome", window=OVER_TIME), "{{outcome}}"
                )
            ],
            "Values per second that were loaded from the database to be stored. refused: the row"
            " was changed meanwhile, so an older value may not overtake the change.",
            unit="ops",
            since=SINCE,
            names=("stored", "refused", "failed"),
            causes=["database"],
        ),
        lines(
            "Values loaded anew before they expire",
            [
                Query(
                    or_zero(
                        rate("sluice_cache_refreshes_total", by="outcome", window=OVER_TIME),
                        f'label_replace({on}, "outcome", "done", "", "")',
                    ),
                    "{{outcome}}",
                )
            ],
            "Hot values are loaded in time, by one for all (left: another does it).",
            unit="ops",
            since=SINCE,
            names=("done", "left", "failed"),
        ),
    ]


def _failures() -> list[timeseries.Panel]:
    on = 'sum(up{job="redis"})'
    return [
        lines(
            "Commands without an answer",
            [
                Query(
                    or_zero(rate("sluice_cache_failures_total", window=OVER_TIME), on),
                    "failed",
                )
            ],
            "Commands per second that Redis did not answer in time. The read is then served from"
            " the database.",
            unit="ops",
            since=SINCE,
            causes=["machines"],
        ),
        lines(
            "Replicas that leave Redis alone",
            [Query(f'sum(sluice_cache_paused{{job="web"}}) and on() {on}', "paused")],
            "After a failure a replica does not ask for a moment.",
            unit="short",
            since=SINCE,
        ),
        lines(
            "Invalidations owed",
            [Query(f"sum(sluice_cache_owed_invalidations) and on() {on}", "owed")],
            "Changes that Redis has not been told yet. Until it is, the one who made them is"
            " answered by the database.",
            unit="short",
            since=SINCE,
        ),
    ]
