"""Rules of the data path: pools of connections, locks, statements, replicas, the cache."""

from __future__ import annotations

from collections.abc import Iterator

from doctor import relief
from doctor.boxes import TRACE
from doctor.figures import Figures
from doctor.finding import Finding, seconds, told

POOL_FULL = 0.8  # on average over the window: then it was full for most of it
WAITING = 0.5
REFUSED = 0.1  # a second
LOCK_WAITERS = 1.0  # somebody waits at all times
SLOW_S = 0.25
# A scan that reads much of a table (a timeout may have ended it), of no small one, and often.
SCANNED_SHARE = 0.1
TABLE_ROWS = 5_000
SCANNED_ROWS = 10_000  # a second
ROWS_PER_ROW = 100
CPU_FELT = 0.7
USED = 0.8  # of the time
LAG_BYTES = 16 * 1024
LAG_S = 5.0  # db_replica_lag_max_s: from here on a replica is not used
EVICTED = 0.2  # a second
REDIS_FULL = 0.9
PAUSED = 0.05  # of the time
STARVED = 0.3  # of the periods
HIT_RATIO = 0.8  # the goal


def pools(figures: Figures) -> Iterator[Finding]:
    """Utilisation: connections in use. Saturation: requests that wait. Errors: refused ones."""
    for pool, busy in figures.each("pool_busy"):
        waiting, refused = (
            figures.value("pool_waiting", pool),
            figures.value("pool_refused", pool),
        )
        signs = (busy >= POOL_FULL) + (waiting >= WAITING) + (refused >= REFUSED)
        app_s, server_s = figures.value("statement_s"), figures.value("server_s")
        yield Finding(
            part="pool",
            resource=f"connection pool ({pool})",
            service="web",
            busy=busy,
            pressure=max(busy / POOL_FULL, 1.0) if signs > 1 else min(busy, 0.99),
            signs=signs,
            evidence=told(
                (True, f"{busy:.0%} of {figures.value('pool_size', pool):.0f} connections in use"),
                (waiting >= TRACE, f"{waiting:.1f} requests wait for one"),
                (refused >= TRACE, f"{refused:.1f} a second are refused"),
                (
                    app_s > 2 * server_s > 0,
                    f"statements take {seconds(app_s)}, the database {seconds(server_s)} of that",
                ),
            ),
            next_step=relief.POOL,
        )


def locks(figures: Figures) -> Iterator[Finding]:
    """Saturation: sessions that wait for a lock, on average over all looks (one in 10 s)."""
    waiting = figures.total("lock_waiters")
    kind = next((event for event, _ in figures.each("lock_waiters")), "")
    what = {"transactionid": "row", "tuple": "row", "relation": "table"}.get(kind, kind or "row")
    timeouts, longest = figures.value("timeouts"), figures.value("lock_s")
    yield Finding(
        part="lock",
        resource=f"{what} lock",
        service="primary",
        pressure=waiting / LOCK_WAITERS,
        signs=(waiting >= LOCK_WAITERS) + (timeouts >= REFUSED or longest >= SLOW_S),
        evidence=told(
            (True, f"{waiting:.1f} sessions wait for one"),
            (longest >= TRACE, f"one of them in a transaction of {seconds(longest)}"),
            (timeouts >= TRACE, f"{timeouts:.1f} statements a second end by timeout"),
            (True, f"CPU of primary {figures.value('cpu', 'primary'):.0%}"),
        ),
        next_step=relief.LOCK,
    )


def missing_index(figures: Figures) -> Iterator[Finding]:
    """Rows read one after another (sequential scans) beside the rows that statements return.

    It is a cause and no resource of its own: it fills the database's CPU. So it is full when that
    is felt: CPU, slow statements or timeouts.
    """
    for key, scanned in figures.each("scanned"):
        server, table = key.split(" ", 1)
        scans, rows = figures.value("scans", key), figures.value("table_rows", key)
        returned = figures.value("rows", server)
        each = scanned / scans if scans else 0.0
        if rows < TABLE_ROWS or each < SCANNED_SHARE * rows or scanned < SCANNED_ROWS:
            continue
        dear = scanned >= ROWS_PER_ROW * returned
        cpu = figures.value("cpu", server)
        felt = cpu >= CPU_FELT or figures.value("statement_s") >= SLOW_S
        yield Finding(
            part="index",
            resource=f"missing index on {table}",
            service=server,
            pressure=1.2 if dear and felt else 0.9,
            signs=dear + felt,
            evidence=(
                f"{scans:.1f} sequential scans a second",
                f"each reads {each:,.0f} of {rows:,.0f} rows",
                f"{scanned / max(returned, 1):,.0f} rows read for each one returned",
                f"CPU of {server} {cpu:.0%}",
            ),
            next_step=relief.index(table),
        )
        return  # a join scans the others because of the first


def replication(figures: Figures) -> Iterator[Finding]:
    """Saturation: how far behind a replica is. Errors: the application does not use it."""
    for replica, lag in figures.each("lag_s"):
        used = figures.get("replica_used", replica)
        left_out = used is not None and used < USED
        missing = figures.get("lag_bytes", replica)
        # Only a replica that lacks something is late; else it is the application that looks late.
        late = missing is None or missing >= LAG_BYTES
        yield Finding(
            part="replication",
            resource="replication",
            service=replica,
            pressure=max(lag / LAG_S, 1.0 if left_out else 0.0) if late else 0.0,
            signs=(lag >= LAG_S) + left_out,
            evidence=told(
                (True, f"{seconds(lag)} behind the primary"),
                (missing, f"{(missing or 0) / 1024:,.0f} KiB not replayed"),
                (left_out, f"used by the application {used or 0:.0%} of the time"),
                (True, f"its CPU {figures.value('cpu', replica):.0%}"),
            ),
            next_step=relief.REPLICATION,
        )


def cache_memory(figures: Figures) -> Iterator[Finding]:
    """Utilisation: memory of maxmemory. Saturation: values evicted before their time."""
    used, evicted = figures.get("redis_used"), figures.value("evicted")
    if used is None:
        return
    hits = figures.value("hits")
    full = used >= REDIS_FULL and evicted >= EVICTED
    yield Finding(
        part="redis-memory",
        resource="memory (maxmemory)",
        service="redis",
        busy=min(used, 1.0),
        pressure=1.0 + min(evicted / 100, 0.5) if full else min(used, 0.99),
        signs=(used >= REDIS_FULL) + (evicted >= EVICTED),
        evidence=told(
            (True, f"{used:.0%} of {figures.value('redis_max') / 2**20:.1f} MiB in use"),
            (evicted >= TRACE, f"{evicted:.1f} values a second evicted"),
            (hits, f"hit ratio {hits:.0%} (goal {HIT_RATIO:.0%})"),
        ),
        next_step=relief.REDIS_MEMORY,
    )


def cache_silent(figures: Figures) -> Iterator[Finding]:
    """Errors: commands not answered in time, after which Redis is left alone for a moment.

    Who is left alone has little to do: its CPU looks half free. Held back all the same, it is what
    did not answer.
    """
    failures, paused = figures.value("cache_failures"), figures.value("cache_paused")
    if not failures and not paused:
        return
    throttled = figures.value("throttled", "redis")
    starved = throttled >= STARVED
    yield Finding(
        part="cpu:redis" if starved else "redis-silent",
        resource="CPU" if starved else "answers in time",
        service="redis",
        pressure=max(1.0, throttled / STARVED) if paused >= PAUSED else 0.5,
        signs=1 + starved,
        evidence=told(
            (True, f"{failures:.1f} commands a second not answered in time"),
            (True, f"left alone {paused:.0%} of the time"),
            (starved, f"held back by the kernel in {throttled:.0%} of its periods"),
        ),
        next_step=relief.cpu("redis", figures.stage()) if starved else relief.REDIS_SILENT,
    )
