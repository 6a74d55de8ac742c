"""The database: statements as the application measures them, and PostgreSQL by its exporter."""

from grafana_foundation_sdk.builders import stat, timeseries

from grafana.panels import FULL, Query, limits, lines, running, value
from grafana.parts import boxes
from grafana.promql import OVER_TIME, or_zero, quantile, rate

STATEMENTS = "sluice_db_statements_total"
DURATION = "sluice_db_statement_duration_seconds"
SERVERS = ("primary", "replica-1", "replica-2")
ROLES = ("primary", "replica")
EVERY = "10s"  # scrape_interval of the job postgres


def figures() -> list[stat.Panel]:
    """Return the six figures of all servers together."""
    in_use = 'sum by (instance, pool) (sluice_db_pool_connections{state="in_use"})'
    limit = "sum by (instance, pool) (sluice_db_pool_limit)"
    return [
        running(
            "Database",
            "sum(pg_up)",
            "PostgreSQL servers that answer: the primary and its replicas.",
            look="primary",
        ),
        value(
            "Statements",
            rate(STATEMENTS),
            "Statements per second that the application sent, to all servers.",
            unit="ops",
            look="primary",
        ),
        value(
            "Failed",
            or_zero(rate("sluice_db_failures_total"), 'sum(up{job="web"})'),
            "Statements per second that failed: no server, no connection free in time, too slow.",
            unit="ops",
            look=limits(0.01, 1),
        ),
        value(
            "p95 time",
            quantile(95, DURATION),
            "95 of 100 statements took no longer, from asking the pool for a connection to the"
            " last row.",
            unit="s",
            look=limits(0.1, 0.5),
        ),
        boxes.cpu(*SERVERS),
        value(
            "Pool",
            f"max({in_use} / {limit})",
            "Connections in use, of what the pool may have; of all replicas' pools the fullest."
            " At 100 % requests wait for a connection.",
            unit="percentunit",
            look=FULL,
        ),
    ]


def trends() -> list[timeseries.Panel]:
    """Return statements and their time by role, how far replicas are behind, and page hits."""
    hit, read = (
        rate(f"pg_stat_database_blks_{what}", 'datname="sluice"', by="instance", window=OVER_TIME)
        for what in ("hit", "read")
    )
    behind = "sum by (application_name) (pg_stat_replication_pg_wal_lsn_diff)"
    by_server = f'label_replace({behind}, "instance", "replica-$1", "application_name", ".*_(.+)")'
    return [
        lines(
            "Statements by role",
            [Query(rate(STATEMENTS, by="role", window=OVER_TIME), "{{role}}")],
            "Statements per second of the application, by who answered. From stage 3 on most reads"
            " go to the replicas.",
            unit="ops",
            names=ROLES,
            stacked=True,
        ),
        lines(
            "Time of a statement, p95",
            [Query(quantile(95, DURATION, by="role", window=OVER_TIME), "{{role}}")],
            "95 of 100 statements took no longer, from asking the pool for a connection to the"
            " last row.",
            unit="s",
            names=ROLES,
        ),
        lines(
            "Replication lag",
            [Query(by_server, "{{instance}}", EVERY)],
            "What the primary has written and a replica not yet replayed.",
            unit="bytes",
            since=3,
            names=SERVERS,
        ),
        lines(
            "Pages found in memory",
            [Query(f"{hit} / ({hit} + {read})", "{{instance}}", EVERY)],
            "Share of the pages that PostgreSQL found in shared_buffers. A low value means that"
            " the hot data does not fit.",
            unit="percentunit",
            names=SERVERS,
        ),
    ]
