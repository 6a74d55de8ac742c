"""The two doors to PostgreSQL: `read` (replicas where there are any) and `write` (the primary).

In: one SQL statement and its values. Out: rows. Each statement is its own transaction (autocommit),
so nothing is spent on BEGIN and COMMIT, and a write that must do two things does them in one
statement (`WITH …`). `transaction` is for work that cannot.

Promises: a statement ends within `db_pool_wait_s` plus its timeout; a read that the primary could
have served does not fail; a read is never older than the position it asks for; a write is sent once
and never again.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import psycopg
import psycopg_pool

from app import logs, metrics, pools, replicas, timing
from app.errors import DatabaseBusy, DatabaseUnavailable, SluiceError
from app.line import Line
from app.pools import Pool
from app.replicas import Replicas
from app.settings import Settings

type Values = Mapping[str, Any]
# Named tuples: `row.name`, `row._asdict()`.
type Rows = list[Any]
# The names of constraints, and what their violation means to a caller.
type Violations = Mapping[str, type[SluiceError]]

# A position that no replica has ever replayed: only the primary may serve.
PRIMARY = 2**63 - 1

# A transaction may wait for something outside, such as a mail server, but not for ever.
_TRANSACTION_S = 15.0

log = logs.get()


class _Behind(Exception):
    """The replica has not replayed what the reader must see."""


class Database:
    """Both pools. Opens connections when they are needed, so it can be made before they can."""

    def __init__(self, settings: Settings) -> None:
        # The server's own timeout comes first, where the server can still tell.
        self._patience_s = settings.db_statement_timeout_ms / 1000 + 0.5
        self._writer = Pool("writer", settings.primary_dsn, settings)
        self._reader = self._writer
        self._replicas: Replicas | None = None
        self._writes_under_way = 0
        if settings.replica_dsn:
            self._all_hosts = pools.hosts_of(settings.replica_dsn)
            primary = pools.hosts_of(settings.primary_dsn)
            self._watched = [host for host in self._all_hosts if host not in primary]
            self._replicas = Replicas(self._watched, settings, self._reader_must_change)
            self._reader = Pool(
                "reader",
                settings.replica_dsn,
                settings,
                hosts=self._reader_hosts,
                max_age_s=settings.db_reader_max_age_s,
            )

    async def open(self) -> None:
        """Begin to watch and to connect."""
        if self._replicas:
            await self._replicas.start()
        for pool in {self._writer, self._reader}:
            await pool.open()

    async def close(self) -> None:
        """Close all connections that are not in use."""
        if self._replicas:
            await self._replicas.stop()
        for pool in {self._writer, self._reader}:
            await pool.close()

    @property
    def has_replicas(self) -> bool:
        """Whether reads may be older than the primary."""
        return self._replicas is not None

    async def read(self, sql: str, values: Values, *, after: int = 0) -> Rows:
        """The rows, as they were at position `after` or later; `PRIMARY`: as they are now.

        From a replica where one may serve, else from the primary. A read changes nothing, so it is
        tried a second time, on the primary.

        Raises:
            DatabaseBusy: no connection became free in time.
            DatabaseUnavailable: no server answered in time.
        """
        pool = self._writer if after == PRIMARY else self._reader
        try:
            return await self._send(pool, sql, values, after=after)
        except _Behind:
            metrics.db_behind.inc()
        except DatabaseBusy:
            if pool is self._writer:
                raise  # the same pool again would double the wait
        except DatabaseUnavailable:
            pass
        return await self._send(self._writer, sql, values)

    async def write(self, sql: str, values: Values, violations: Violations | None = None) -> Rows:
        """Send one statement to the primary, once, and return its rows.

        Raises:
            SluiceError: what `violations` says about the constraint that was violated.
            DatabaseBusy: no connection became free in time; nothing was sent.
            DatabaseUnavailable: no answer in time; whether it was done is unknown.
        """
        self._writes_under_way += 1
        try:
            return await self._send(self._writer, sql, values)
        except psycopg.IntegrityError as error:
            raise _meaning(error, violations or {}) from error
        finally:
            self._writes_under_way -= 1

    async def position(self) -> int:
        """A position after everything that is committed now; 0 where there are no replicas.

        Raises:
            DatabaseUnavailable: the primary did not say.
        """
        if self._replicas is None:
            return 0
        started = time.perf_counter()
        position = await self._replicas.position(more_come=self._writes_under_way > 0)
        if position is None:
            raise DatabaseUnavailable
        timing.current().asked_database("primary", (time.perf_counter() - started) * 1000)
        return position

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Line]:
        """A connection to the primary in a transaction, committed at the end of the block.

        Raises:
            DatabaseBusy: no connection became free in time.
            DatabaseUnavailable: the server went away; whether it was committed is unknown.
        """
        try:
            async with (
                self._writer.connection(patience_s=_TRANSACTION_S) as line,
                line.transaction(),
            ):
                yield line
        except psycopg.IntegrityError:
            raise
        except (psycopg.Error, OSError) as error:
            raise await self._failure(self._writer, error) from error

    async def ready(self) -> None:
        """Return when a server answers.

        Raises:
            DatabaseUnavailable: none does.
        """
        await self.read("SELECT 1", {})

    def measure(self) -> None:
        """Bring the pools' metrics up to date; called when they are asked for."""
        for pool in {self._writer, self._reader}:
            pool.measure()

    async def _send(self, pool: Pool, sql: str, values: Values, *, after: int = 0) -> Rows:
        started = time.perf_counter()
        try:
            async with pool.connection(patience_s=self._patience_s) as line:
                who = line.who
                if after and who != "primary" and not await self._has_replayed(line, who, after):
                    raise _Behind
                rows = await line.rows(sql, values)
        except psycopg.IntegrityError:
            raise
        except (psycopg.Error, OSError) as error:
            raise await self._failure(pool, error) from error
        seconds = time.perf_counter() - started
        timing.current().asked_database(who, seconds * 1000)
        role = "primary" if who == "primary" else "replica"
        metrics.db_statements.count(role)
        metrics.db_statement_duration.observe(seconds, role)
        return rows

    async def _has_replayed(self, line: Line, who: str, position: int) -> bool:
        """Whether this replica is there yet; asked only when it was not when last heard of."""
        assert self._replicas
        if self._replicas.replayed(who) < position:
            replayed = await replicas.told(line, replicas.REPLAYED)
            if replayed is not None:
                self._replicas.note(who, replayed)
        return self._replicas.replayed(who) >= position

    def _reader_hosts(self) -> list[str]:
        """The replicas that may serve, then the primary, which libpq takes when there is none."""
        assert self._replicas
        left_out = set(self._watched) - self._replicas.usable()
        return [host for host in self._all_hosts if host not in left_out] or self._all_hosts

    def _reader_must_change(self) -> None:
        """Other replicas may serve than before: let go of the ones that may not, spread anew."""
        self._draining = asyncio.create_task(self._reader.drain())

    async def _failure(self, pool: Pool, error: Exception) -> Exception:
        """What a failure of the driver or the pool means, or itself if it is our mistake."""
        if isinstance(error, psycopg_pool.PoolTimeout | psycopg_pool.TooManyRequests):
            reason = "gone" if pool.is_empty() else "pool"
            metrics.db_failures.labels(pool.name, reason).inc()
            return DatabaseBusy()
        if isinstance(error, psycopg.errors.QueryCanceled | psycopg.errors.LockNotAvailable):
            reason = "timeout"
        elif isinstance(error, _GONE):
            reason = "gone"
            await pool.lost()
        else:
            return error
        metrics.db_failures.labels(pool.name, reason).inc()
        log.warning("database_failed", pool=pool.name, reason=reason, error=str(error)[:300])
        return DatabaseUnavailable()


# A primary that became a standby says ReadOnlySqlTransaction: it is gone as a primary.
_GONE = (
    psycopg.OperationalError,
    psycopg.InterfaceError,
    psycopg.errors.ReadOnlySqlTransaction,
    OSError,
)


def _meaning(error: psycopg.IntegrityError, violations: Violations) -> Exception:
    name = error.diag.constraint_name
    return violations[name]() if name and name in violations else error
