"""The two doors to PostgreSQL: `read` (replicas where there are any) and `write` (the primary).

In: one SQL statement and its values. Out: rows. Each statement is its own transaction (AUTOCOMMIT),
so nothing is spent on BEGIN and COMMIT, and a write that must do two things does them in one
statement (`WITH …`). `transaction` is for work that cannot.

Promises: a statement ends within `db_pool_wait_s` plus its timeout; a read that the primary could
have served does not fail; a write is sent once and never again.
"""

import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import psycopg
from sqlalchemy import exc
from sqlalchemy.engine import Row
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from app import logs, metrics, pools, timing
from app.errors import DatabaseBusy, DatabaseUnavailable, SluiceError
from app.settings import Settings

type Values = Mapping[str, Any]
type Rows = list[Row[*tuple[Any, ...]]]
# The names of constraints, and what their violation means to a caller.
type Violations = Mapping[str, type[SluiceError]]

# A transaction may wait for something outside, such as a mail server, but not for ever.
_TRANSACTION_S = 15.0

log = logs.get()


class Database:
    """Both pools. Opens connections when they are needed, so it can be made before they can."""

    def __init__(self, settings: Settings) -> None:
        # The server's own timeout comes first, where the server can still tell.
        self._patience_s = settings.db_statement_timeout_ms / 1000 + 0.5
        self._writer = pools.make("writer", settings.primary_dsn, settings)
        self._reader = self._writer
        if settings.replica_dsn:
            age_s = settings.db_reader_max_age_s
            self._reader = pools.make("reader", settings.replica_dsn, settings, max_age_s=age_s)

    @property
    def has_replicas(self) -> bool:
        """Whether reads may be older than the primary."""
        return self._reader is not self._writer

    async def read(self, sql: str, values: Values, *, primary: bool = False) -> Rows:
        """The rows, from a replica or, when asked for or when none answers, from the primary.

        A read changes nothing, so it is tried a second time, on the primary: also when the first
        was the primary's, since a pool's connections are all broken after a restart.

        Raises:
            DatabaseBusy: no connection became free in time.
            DatabaseUnavailable: no server answered in time.
        """
        try:
            return await self._send(self._writer if primary else self._reader, sql, values)
        except (DatabaseBusy, DatabaseUnavailable) as error:
            if isinstance(error, DatabaseBusy) and (primary or not self.has_replicas):
                raise  # the same pool again would double the wait
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
            async with pools.connection(self._writer, patience_s=_TRANSACTION_S) as (connection, _):
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
        pools.measure("writer", self._writer)
        if self.has_replicas:
            pools.measure("reader", self._reader)

    async def _send(self, engine: AsyncEngine, sql: str, values: Values) -> Rows:
        started = time.perf_counter()
        try:
            async with pools.connection(engine, patience_s=self._patience_s) as (connection, who):
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
