"""The database: statements as the application measures them, and PostgreSQL by its exporter."""

from grafana_foundation_sdk.builders import stat, table, timeseries

from grafana.panels import FULL, Column, Query, Rows, limits, lines, ranked, running, value
from grafana.parts import boxes, servers
from grafana.parts.servers import EVERY, SERVERS
from grafana.promql import OVER_TIME, or_zero, quantile, rate

STATEMENTS = "sluice_db_statements_total"
DURATION = "sluice_db_statement_duration_seconds"
ROLES = ("primary", "replica")
MEMBERS = 'user="sluice"'  # the application; not those that watch or replicate


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
            cause="machines",
        ),
        boxes.cpu(*SERVERS),
        value(
            "Pool",
            f"max({in_use} / {limit})",
            "Connections in use, of what the pool may have; of all replicas' pools the fullest."
            " At 100 % requests wait for a connection.",
            unit="percentunit",
            look=FULL,
            cause="machines",
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
            causes=["machines"],
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


def rows() -> Rows:
    """Return all panels of the dashboard about the database."""
    statements, p95, lag, in_memory = trends()
    return {
        "Statements": [statements, p95, _in_servers(), _failures()],
        "By statement": _by_statement(),
        "Pools and connections": servers.connections(),
        "Waiting": servers.waiting(),
        "Replication": [lag, *servers.replication()],
        "Memory and WAL": [in_memory, *servers.writing()],
    }


def _in_servers() -> timeseries.Panel:
    spent = rate("pg_stat_statements_seconds_total", MEMBERS, by="instance", window="5m")
    return lines(
        "Time inside the servers",
        [Query(spent, "{{instance}}", EVERY)],
        "Of one second how much the statements of the application ran inside each server, over five"
        " minutes; 100 % is one that always runs. Source: pg_stat_statements.",
        unit="percentunit",
        names=SERVERS,
        causes=["machines"],
    )


def _failures() -> timeseries.Panel:
    failed = rate("sluice_db_failures_total", by="reason", window=OVER_TIME)
    up = 'label_replace(sum(up{job="web"}), "reason", "gone", "", "")'
    return lines(
        "Failed statements",
        [Query(or_zero(failed, up), "{{reason}}")],
        "Statements per second that failed. gone: no server; pool: no connection free in time;"
        " timeout: too slow.",
        unit="ops",
        causes=["machines"],
    )


def _by_statement() -> list[table.Panel]:
    """Where the servers' time goes. The text of a statement is a series of its own."""
    calls, spent, returned = (
        f"sum by (queryid) (rate(pg_stat_statements_{what}_total{{{MEMBERS}}}[5m]))"
        for what in ("calls", "seconds", "rows")
    )
    text = "max by (queryid, query) (pg_stat_statements_query_id)"
    top = f"topk(12, {spent} > 0)"
    per_call = f"({spent} / ({calls} > 0) and {top})"
    return [
        ranked(
            "Time by statement",
            {"query": "Statement"},
            [
                Column(_named(top, text), "Share", "percentunit"),
                Column(_named(per_call, text), "Mean", "s"),
                Column(_named(f"({calls} and {top})", text), "Calls", "ops"),
                Column(_named(f"({returned} / ({calls} > 0) and {top})", text), "Rows", "none"),
            ],
            "The twelve statements with the most time inside all servers, over five minutes: of one"
            " second how much (100 %: one that always runs), the mean of a call, calls per second,"
            " rows of a call. Source: pg_stat_statements.",
        ),
    ]


def _named(expr: str, text: str) -> str:
    return f"sum by (query) ({expr} * on (queryid) group_left (query) {text})"
