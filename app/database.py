"""The two doors to PostgreSQL: `read` (replicas where there are any) and `write` (the primary).

In: one SQL statement and its values. Out: rows. Each statement is its own transaction (AUTOCOMMIT),
so nothing is spent on BEGIN and COMMIT, and a write that must do two things does them in one
statement (`WITH …`). `transaction` is for work that cannot.

Promises: a statement ends within `db_pool_wait_s` plus its timeout; a read that the primary could
have served does not fail; a write is sent once and never again.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import psycopg
from sqlalchemy import event, exc
from sqlalchemy.engine import Row
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry, QueuePool

from app import logs, metrics, timing
from app.errors import DatabaseBusy, DatabaseUnavailable, SluiceError
from app.settings import Settings

type Values = Mapping[str, Any]
type Rows = list[Row[*tuple[Any, ...]]]
# The names of constraints, and what their violation means to a caller.
type Violations = Mapping[str, type[SluiceError]]

log = logs.get()


class Database:
    """Both pools. Opens connections when they are needed, so it can be made before they can."""

    def __init__(self, settings: Settings) -> None:
        self._patience_s = settings.db_statement_timeout_ms / 1000 + 0.5
        self._writer = _engine("writer", settings.primary_dsn, settings)
        self._reader = self._writer
        if settings.replica_dsn:
            age_s = settings.db_reader_max_age_s
            self._reader = _engine("reader", settings.replica_dsn, settings, max_age_s=age_s)

    @property
    def has_replicas(self) -> bool:
        """Whether reads may be older than the primary."""
        return self._reader is not self._writer

    async def read(self, sql: str, values: Values, *, primary: bool = False) -> Rows:
        """The rows, from a replica or, when asked for or when none answers, from the primary.

        A read changes nothing, so it is tried again: once on a new connection, since the pool's may
        all lead to a server that is gone, then on the primary.

        Raises:
            DatabaseBusy: no connection became free in time.
            DatabaseUnavailable: no server answered in time.
        """
        first = self._writer if primary else self._reader
        try:
            return await self._send(first, sql, values)
        except DatabaseBusy:
            if first is self._writer:
                raise
        except DatabaseUnavailable:
            try:
                return await self._send(first, sql, values)
            except DatabaseBusy, DatabaseUnavailable:
                if first is self._writer:
                    raise
        return await self._send(self._writer, sql, values)

    async def write(self, sql: str, values: Values, violations: Violations | None = None) -> Rows:
        """Send one statement to the primary, once, and return its rows.

        Raises:
            SluiceError: what `violations` says about the constraint that was violated.
            DatabaseBusy: no connection became free in time; nothing was sent.
            DatabaseUnavailable: no answer in time; whether it was done is unknown.
        """
        try:
            return await self._send(self._writer, sql, values)
        except exc.IntegrityError as error:
            raise _meaning(error, violations or {}) from error

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncConnection]:
        """A connection to the primary in a transaction, committed at the end of the block.

        Raises:
            DatabaseBusy: no connection became free in time.
            DatabaseUnavailable: the server went away; whether it was committed is unknown.
        """
        try:
            async with self._writer.connect() as connection:
                await connection.execution_options(isolation_level="READ COMMITTED")
                async with connection.begin():
                    yield connection
        except (exc.DBAPIError, exc.TimeoutError, OSError) as error:
            raise _failure("writer", error) from error

    async def ready(self) -> None:
        """Return when a server answers.

        Raises:
            DatabaseUnavailable: none does.
        """
        await self.read("SELECT 1", {})

    async def close(self) -> None:
        """Close all connections that are not in use."""
        for engine in {self._writer, self._reader}:
            await engine.dispose()

    def measure(self) -> None:
        """Bring the pools' metrics up to date; called when they are asked for."""
        pools = {"writer": self._writer.pool}
        if self.has_replicas:
            pools["reader"] = self._reader.pool
        for name, pool in pools.items():
            assert isinstance(pool, QueuePool)
            metrics.db_pool_connections.labels(name, "in_use").set(pool.checkedout())
            metrics.db_pool_connections.labels(name, "idle").set(pool.checkedin())
            metrics.db_pool_limit.labels(name).set(pool.size())

    async def _send(self, engine: AsyncEngine, sql: str, values: Values) -> Rows:
        started = time.perf_counter()
        try:
            # The server ends a slow statement; this ends the waiting for a server that is silent.
            async with asyncio.timeout(self._patience_s), engine.connect() as connection:
                who = (await connection.get_raw_connection()).info["who"]
                result = await connection.exec_driver_sql(sql, values)
                rows = list(result.all()) if result.returns_rows else []
        except exc.IntegrityError:
            raise
        except (exc.DBAPIError, exc.TimeoutError, OSError) as error:
            raise _failure(engine.pool.logging_name or "", error) from error
        seconds = time.perf_counter() - started
        timing.current().statements.append((who, seconds * 1000))
        role = "primary" if who == "primary" else "replica"
        metrics.db_statements.labels(role).inc()
        metrics.db_statement_duration.labels(role).observe(seconds)
        return rows


def _engine(name: str, dsn: str, settings: Settings, *, max_age_s: int = -1) -> AsyncEngine:
    timeouts = {
        "statement_timeout": settings.db_statement_timeout_ms,
        "lock_timeout": settings.db_lock_timeout_ms,
        "idle_in_transaction_session_timeout": 10_000,
    }
    engine = create_async_engine(
        dsn,
        isolation_level="AUTOCOMMIT",
        skip_autocommit_rollback=True,
        pool_size=settings.db_pool_size,
        max_overflow=0,
        pool_timeout=settings.db_pool_wait_s,
        pool_recycle=max_age_s,
        # The connection used last is taken first: the pool stays as small as the load.
        pool_use_lifo=True,
        pool_logging_name=name,
        connect_args={
            "connect_timeout": settings.db_connect_timeout_s,
            "application_name": f"sluice-{name}",
            "options": " ".join(f"-c {key}={value}" for key, value in timeouts.items()),
            # A host that vanished without a word is noticed after this many milliseconds.
            "tcp_user_timeout": settings.db_statement_timeout_ms + 1000,
        },
    )

    @event.listens_for(engine.sync_engine, "connect")
    def remember_who(connection: DBAPIConnection, entry: ConnectionPoolEntry) -> None:
        # PostgreSQL reports `in_hot_standby` to every client by itself.
        info = connection.driver_connection.info
        standby = info.parameter_status("in_hot_standby") == "on"
        entry.info["who"] = info.host if standby else "primary"

    return engine


def _meaning(error: exc.IntegrityError, violations: Violations) -> Exception:
    original = error.orig
    assert isinstance(original, psycopg.Error)
    name = original.diag.constraint_name
    return violations[name]() if name and name in violations else error


def _failure(pool: str, error: Exception) -> Exception:
    """What a failure of the driver or the pool means, or the error itself if it is our mistake."""
    if isinstance(error, exc.TimeoutError):
        metrics.db_failures.labels(pool, "pool").inc()
        return DatabaseBusy()
    original = error.orig if isinstance(error, exc.DBAPIError) else error
    if isinstance(original, psycopg.errors.QueryCanceled | TimeoutError):
        reason = "timeout"
    elif _is_gone(original):
        reason = "gone"
    else:
        return error
    metrics.db_failures.labels(pool, reason).inc()
    log.warning("database_failed", pool=pool, reason=reason, error=str(original)[:300])
    return DatabaseUnavailable()


def _is_gone(original: BaseException | None) -> bool:
    # A primary that became a standby says ReadOnlySqlTransaction: it is gone as a primary.
    gone = (
        psycopg.OperationalError,
        psycopg.InterfaceError,
        psycopg.errors.ReadOnlySqlTransaction,
        OSError,
    )
    return isinstance(original, gone)
