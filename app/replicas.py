"""Which streaming replicas may serve a read: those that answer, and are not too far behind.

Once a second each server is asked how far it is: the primary what it has flushed, a replica what it
has replayed. A replica that has replayed what the primary had flushed at a moment is as fresh as
that moment; its lag is the time since then. No server's clock is read, and a primary that is idle
makes nobody late. While the primary does not answer nothing new is committed, so the time stands
still and the replicas go on serving. After each write the primary is asked as well: for the
position that the writer's reads must have.

Positions (LSN) are integers here: bytes of WAL since the beginning (PostgreSQL manual, 9.28.3 and
9.28.4). A primary must have `synchronous_commit` on: a position is asked for after the commit.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import psycopg
from psycopg.conninfo import make_conninfo

from app import logs, metrics
from app.line import Line
from app.settings import Settings

FLUSHED = "SELECT (pg_current_wal_flush_lsn() - '0/0')::bigint"
REPLAYED = """
SELECT CASE WHEN pg_is_in_recovery() THEN (pg_last_wal_replay_lsn() - '0/0')::bigint END
"""

_EVERY_S = 1.0
_TOGETHER_S = 0.001  # for other writes that are under way, before their position is asked for
_ANSWER_S = 1.5  # of a question that a healthy server answers in a millisecond

log = logs.get()


@dataclass(slots=True)
class Replica:
    """What is known of one replica."""

    host: str
    answers: bool = False
    replayed: int = -1
    fresh_at: float = float("-inf")


@dataclass(slots=True)
class Primary:
    """What is known of the primary: when it had flushed how much, oldest first."""

    answers: bool = False
    answered_at: float = float("-inf")
    flushed: deque[tuple[float, int]] = field(default_factory=lambda: deque(maxlen=600))


class Replicas:
    """Watches all servers of the reader's DSN; `changed` is called when others may serve."""

    def __init__(self, hosts: list[str], settings: Settings, changed: Callable[[], None]) -> None:
        self._dsn = settings.primary_dsn.replace("+psycopg", "", 1)
        self._lag_max_s = settings.db_replica_lag_max_s
        self._changed = changed
        self._primary = Primary()
        self._replicas = {host: Replica(host) for host in hosts}
        self._known: frozenset[str] = frozenset()
        self._tasks: list[asyncio.Task[None]] = []
        self._server = _Server(self._dsn, None, FLUSHED)
        self._asking: asyncio.Task[None] | None = None
        self._waiting: list[asyncio.Future[int | None]] = []
        self._more_come = False

    async def start(self) -> None:
        """Look once, so that the first read knows whom to ask; then keep looking."""
        servers = [self._server]
        servers += [_Server(self._dsn, host, REPLAYED) for host in self._replicas]
        await self._ask(servers[0])
        await asyncio.gather(*(self._ask(server) for server in servers[1:]))
        self._tasks = [asyncio.create_task(self._keep_asking(server)) for server in servers]

    async def stop(self) -> None:
        """Look no more."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def usable(self) -> frozenset[str]:
        """The replicas that may serve now."""
        now = time.monotonic()
        return frozenset(
            host
            for host, replica in self._replicas.items()
            if replica.answers and self.lag_s(replica, now) <= self._lag_max_s
        )

    def lag_s(self, replica: Replica, now: float) -> float:
        """How long ago the replica had everything, as far as the primary can be asked."""
        clock = now if self._primary.answers else self._primary.answered_at
        return max(0.0, clock - replica.fresh_at)

    def replayed(self, host: str) -> int:
        """The position that this replica is known to have replayed; -1 for nothing."""
        replica = self._replicas.get(host)
        return replica.replayed if replica else -1

    async def position(self, *, more_come: bool = False) -> int | None:
        """A position after everything that is committed now; None: the primary did not say.

        One question for all who come while another one is under way: that one was perhaps answered
        before their commit, the next one cannot be. If `more_come`, because other writes are under
        way, it waits for them a moment (PostgreSQL's `commit_delay`, `commit_siblings`).
        """
        self._more_come = more_come
        future: asyncio.Future[int | None] = asyncio.get_running_loop().create_future()
        self._waiting.append(future)
        if self._asking is None:
            self._asking = asyncio.create_task(self._ask_for_all())
        return await future

    def note(self, host: str, replayed: int) -> None:
        """Somebody else asked a replica how far it is."""
        replica = self._replicas.get(host)
        if replica:
            replica.replayed = max(replica.replayed, replayed)

    async def _ask_for_all(self) -> None:
        while self._waiting:
            if self._more_come:
                await asyncio.sleep(_TOGETHER_S)
            waiting, self._waiting = self._waiting, []
            position, began = None, time.monotonic()
            try:
                position = await self._server.ask()
                if position is None and time.monotonic() - began < _ANSWER_S:
                    # Not silent: perhaps the line was only cut while it was idle.
                    position = await self._server.ask()
            except Exception:
                # Whatever it is, who waits is told, and the next one can ask.
                log.exception("position_unknown")
            if position is None:
                self._hear_primary(began, None)  # before the watch finds out: see `lag_s`
                metrics.db_failures.labels("writer", "gone").inc()
                log.warning("database_failed", pool="writer", reason="gone", error="no position")
            else:
                metrics.db_statements.count("primary")
                metrics.db_statement_duration.observe(time.monotonic() - began, "primary")
            for future in waiting:
                if not future.done():
                    future.set_result(position)
        self._asking = None

    async def _keep_asking(self, server: _Server) -> None:
        try:
            while True:
                await asyncio.sleep(_EVERY_S)
                await self._ask(server)
        finally:
            await server.close()

    async def _ask(self, server: _Server) -> None:
        asked_at = time.monotonic()
        position = await server.ask()
        if server.host is None:
            self._hear_primary(asked_at, position)
        else:
            self._hear_replica(self._replicas[server.host], position)
        usable = self.usable()
        if usable != self._known:
            log.info("usable_replicas_changed", usable=sorted(usable))
            self._known = usable
            self._changed()
        self._measure()

    def _hear_primary(self, asked_at: float, position: int | None) -> None:
        primary = self._primary
        primary.answers = position is not None
        if position is not None:
            primary.answered_at = asked_at
            primary.flushed.append((asked_at, position))

    def _hear_replica(self, replica: Replica, position: int | None) -> None:
        replica.answers = position is not None
        if position is None:
            return
        replica.replayed = position
        for asked_at, flushed in reversed(self._primary.flushed):
            if flushed <= position:
                replica.fresh_at = max(replica.fresh_at, asked_at)
                break
        else:
            if not self._primary.flushed:  # nobody to compare with: better than no answer at all
                replica.fresh_at = self._primary.answered_at

    def _measure(self) -> None:
        now = time.monotonic()
        for host, replica in self._replicas.items():
            metrics.db_replica_usable.labels(host).set(host in self._known)
            metrics.db_replica_lag.labels(host).set(min(self.lag_s(replica, now), 1e6))


class _Server:
    """A connection of the watch's own to one server: the primary where no host is named."""

    def __init__(self, dsn: str, host: str | None, question: str) -> None:
        self.host = host
        self._dsn = dsn
        self._question = question
        self._line: Line | None = None
        self._turn = asyncio.Lock()

    async def ask(self) -> int | None:
        """The position; None when there is no answer in time. One question after the other."""
        async with self._turn:
            return await self._ask()

    async def close(self) -> None:
        """Close the connection."""
        if self._line is not None:
            with suppress(psycopg.Error, OSError):
                await self._line.close()
            self._line = None

    async def _ask(self) -> int | None:
        try:
            if self._line is None or self._line.closed:
                self._line = await self._connect()
            self._line.until = asyncio.get_running_loop().time() + _ANSWER_S
            return await told(self._line, self._question)
        except (psycopg.Error, OSError) as error:
            log.debug("server_did_not_say", host=self.host, error=str(error)[:200])
            await self.close()
            return None

    async def _connect(self) -> Line:
        where: dict[str, Any] = {"host": self.host, "port": 5432} if self.host else {}
        dsn = make_conninfo(self._dsn, connect_timeout=2, application_name="sluice-watch", **where)
        return await Line.connect(dsn, autocommit=True)


async def told(line: Line, question: str) -> int | None:
    """The position that a server tells; None of one that replays nothing, being no replica."""
    position: int | None = (await line.rows(question))[0][0]
    return position
