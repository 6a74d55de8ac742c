"""PostgreSQL's servers: connections, locks, replication, WAL. Source: its exporter, and the pools'
own figures.
"""

from grafana_foundation_sdk.builders import timeseries

from grafana.panels import FULL, Query, lines
from grafana.promql import OVER_TIME, or_zero, rate

SERVERS = ("primary", "replica-1", "replica-2")
POOLS = ("reader", "writer")
PRIMARY = 'datname="sluice",instance="primary"'
EVERY = "10s"  # scrape_interval of the job postgres


def connections() -> list[timeseries.Panel]:
    """Return how full the pools and the servers are."""
    waiting = 'sum by (pool) (sluice_db_pool_waiting{job="web"})'
    idle = 'sum by (pool, state) (sluice_db_pool_connections{job="web"})'
    of_server = "sum by (instance) (pg_stat_activity_count)"
    return [
        lines(
            "Pools",
            [Query("pool:sluice_db_pool_in_use:ratio", "{{pool}}")],
            "Connections in use, of what a pool may have; of all replicas the fullest. At 100 % the"
            " next request waits.",
            unit="percentunit",
            names=POOLS,
            full=FULL,
        ),
        lines(
            "Waiting for a connection",
            [Query(waiting, "{{pool}}")],
            "Requests of all replicas that wait for a connection of their pool.",
            unit="short",
            names=POOLS,
            causes=["machines"],
        ),
        lines(
            "Connections of the pools",
            [Query(idle, "{{pool}} {{state}}")],
            "Of all replicas together.",
            unit="short",
            stacked=True,
        ),
        lines(
            "Connections of the servers",
            [
                Query(of_server, "{{instance}}", EVERY),
                Query("max(pg_settings_max_connections)", "limit", EVERY),
            ],
            "Of everybody, the exporter included, and max_connections.",
            unit="short",
            names=(*SERVERS, "limit"),
        ),
    ]


def waiting() -> list[timeseries.Panel]:
    """Return who waits for whom, and who keeps others waiting."""
    up = "sum by (instance) (pg_up)"
    longest = "max by (instance) (pg_stat_activity_max_tx_duration{%s})"
    blocked = 'sum by (instance) (pg_stat_activity_count{wait_event_type="Lock"})'
    deadlocks = rate(
        "pg_stat_database_deadlocks", 'datname="sluice"', by="instance", window=OVER_TIME
    )
    locks = 'sum by (mode) (pg_locks_count{datname="sluice",instance="primary"}) > 0'
    return [
        lines(
            "Lock waits",
            [Query(or_zero(longest % 'wait_event_type="Lock"', up), "{{instance}}", EVERY)],
            "Age of the oldest transaction that waits for a lock of another.",
            unit="s",
            names=SERVERS,
        ),
        lines(
            "Sessions that wait for a lock, deadlocks",
            [
                Query(f"sum({or_zero(blocked, up)})", "waiting", EVERY),
                Query(f"sum({deadlocks})", "deadlocks per second", EVERY),
            ],
            "Sessions of all servers that wait now; deadlocks that PostgreSQL had to end.",
            unit="short",
        ),
        lines(
            "Longest transaction",
            [Query(or_zero(longest % 'datname="sluice"', up), "{{instance}}", EVERY)],
            "Age of the oldest open transaction. A long one keeps dead rows and locks.",
            unit="s",
            names=SERVERS,
        ),
        lines(
            "Locks on the primary",
            [Query(locks, "{{mode}}", EVERY)],
            "Locks held or waited for, by mode.",
            unit="short",
        ),
    ]


def replication() -> list[timeseries.Panel]:
    """Return how far replicas are behind, and what that means for reads."""
    behind = rate("sluice_db_behind_total", window=OVER_TIME)
    return [
        lines(
            "Replication lag, seconds",
            [Query("service:pg_replication_lag:seconds", "{{service}}", EVERY)],
            "Age of the last transaction that a replica has replayed while it is behind.",
            unit="s",
            since=3,
            names=SERVERS,
        ),
        lines(
            "Replicas in use",
            [Query("min by (replica) (sluice_db_replica_usable)", "{{replica}}")],
            "1 while all web replicas read from it, 0 while one of them does not: it is gone, or"
            " too far behind.",
            unit="none",
            since=3,
            names=SERVERS,
        ),
        lines(
            "Reads that no replica could serve yet",
            [Query(f"{behind} and on() sluice_db_replica_usable", "reads")],
            "Reads per second of who had just written, which therefore went to the primary.",
            unit="ops",
            since=3,
        ),
    ]


def writing() -> list[timeseries.Panel]:
    """Return what is written: WAL, rows, checkpoints."""
    changed = {
        what: rate(f"pg_stat_database_tup_{what}", PRIMARY, window=OVER_TIME)
        for what in ("inserted", "updated", "deleted")
    }
    done, asked = (
        rate(f"pg_stat_checkpointer_num_{what}_total", 'instance="primary"', window="5m")
        for what in ("timed", "requested")
    )
    return [
        lines(
            "WAL",
            [Query("sum by (instance) (pg_wal_size_bytes)", "{{instance}}", EVERY)],
            "WAL on disk. Beyond max_wal_size somebody holds it: a slot whose replica is away.",
            unit="bytes",
            names=SERVERS,
        ),
        lines(
            "Rows changed",
            [Query(expr, name, EVERY) for name, expr in changed.items()],
            "Rows per second that the primary inserted, updated and deleted.",
            unit="ops",
        ),
        lines(
            "Checkpoints",
            [Query(f"60 * {done}", "in time", EVERY), Query(f"60 * {asked}", "asked for", EVERY)],
            "Per minute, over five minutes. Asked for: WAL came faster than max_wal_size allows.",
            unit="none",
        ),
    ]
