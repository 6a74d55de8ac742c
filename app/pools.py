"""The pools of connections to PostgreSQL: how many, how long, and which server each leads to."""

import asyncio
import logging
import select
from collections.abc import Callable
from typing import Any

import psycopg_pool
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.rows import namedtuple_row

from app import metrics
from app.line import Line
from app.settings import Settings

# A connection that could not be made is tried once more after this time, then when it is needed.
_RECONNECT_S = 0.25
_IDLE_S = 60.0
# Whoever comes when so many wait already would wait longer than `db_pool_wait_s` in any case.
_WAITING_PER_CONNECTION = 4

# The pool tells each failed try; what follows from it, we tell.
logging.getLogger("psycopg.pool").setLevel(logging.ERROR)


class _Lent:
    """A connection for a block; a class, since a generator would cost each statement more."""

    __slots__ = ("_line", "_patience_s", "_pool")

    def __init__(self, pool: Pool, patience_s: float) -> None:
        self._pool = pool
        self._patience_s = patience_s

    async def __aenter__(self) -> Line:
        self._line = await self._pool.take()
        self._line.until = asyncio.get_running_loop().time() + self._patience_s
        return self._line

    async def __aexit__(self, *_: object) -> None:
        await self._pool.give_back(self._line)


class Pool:
    """Connections to one DSN; each statement commits by itself.

    `hosts` narrows the DSN's hosts for new connections; libpq chooses among them
    (`load_balance_hosts`, `target_session_attrs`). Without it the DSN is used as it is.
    """

    def __init__(
        self,
        name: str,
        dsn: str,
        settings: Settings,
        *,
        hosts: Callable[[], list[str]] | None = None,
        max_age_s: float = 3600.0,
    ) -> None:
        self.name = name
        self._parameters: dict[str, Any] = conninfo_to_dict(dsn.replace("+psycopg", "", 1))
        self._hosts = hosts
        self._drained_at = float("-inf")
        self._pool: psycopg_pool.AsyncConnectionPool[Line] = psycopg_pool.AsyncConnectionPool(
            self._conninfo,
            connection_class=Line,
            kwargs=_options(name, settings),
            name=name,
            open=False,
            min_size=1,
            max_size=settings.db_pool_size,
            max_waiting=settings.db_pool_size * _WAITING_PER_CONNECTION,
            timeout=settings.db_pool_wait_s,
            max_lifetime=max_age_s,
            max_idle=_IDLE_S,
            reconnect_timeout=_RECONNECT_S,
        )

    async def open(self) -> None:
        """Begin. Servers need not be there yet."""
        await self._pool.open()

    async def close(self) -> None:
        """Close all connections that are not in use."""
        await self._pool.close(timeout=1.0)

    async def drain(self) -> None:
        """Replace all connections: those in use when they come back."""
        if self._pool.closed:
            return
        self._drained_at = asyncio.get_running_loop().time()
        await self._pool.drain()

    async def lost(self) -> None:
        """A connection broke: the others to the same server most likely did as well."""
        if asyncio.get_running_loop().time() - self._drained_at > _RECONNECT_S:
            await self.drain()

    def connection(self, *, patience_s: float) -> _Lent:
        """`async with` gives a connection; who still waits for its server after this is told so.

        The server ends a slow statement by itself; this is for a server that has fallen silent.

        Raises:
            psycopg_pool.PoolTimeout, psycopg_pool.TooManyRequests: none became free in time.
        """
        return _Lent(self, patience_s)

    async def take(self) -> Line:
        """A connection that its server has not ended while it was idle; `give_back` it."""
        line = await self._pool.getconn()
        while _is_cut(line):
            await line.close()
            await self._pool.putconn(line)
            await self.lost()
            line = await self._pool.getconn()
        return line

    async def give_back(self, line: Line) -> None:
        """Let the next one have it, unless it is broken."""
        await self._pool.putconn(line)

    def is_empty(self) -> bool:
        """Whether there is no connection at all, because no server can be reached."""
        return not self._pool.get_stats()["pool_size"]

    def measure(self) -> None:
        """Bring the pool's metrics up to date."""
        stats = self._pool.get_stats()
        idle = stats["pool_available"]
        in_use = max(0, stats["pool_size"] - idle)
        metrics.db_pool_connections.labels(self.name, "in_use").set(in_use)
        metrics.db_pool_connections.labels(self.name, "idle").set(idle)
        metrics.db_pool_waiting.labels(self.name).set(stats["requests_waiting"])
        metrics.db_pool_limit.labels(self.name).set(stats["pool_max"])

    def _conninfo(self) -> str:
        if self._hosts is None:
            return make_conninfo(**self._parameters)
        hosts = self._hosts()
        where = {"host": ",".join(hosts), "port": ",".join("5432" for _ in hosts)}
        return make_conninfo(**{**self._parameters, **where})


def hosts_of(dsn: str) -> list[str]:
    """The hosts that a DSN names."""
    named = conninfo_to_dict(dsn.replace("+psycopg", "", 1)).get("host") or ""
    return [host for host in str(named).split(",") if host]


def _options(name: str, settings: Settings) -> dict[str, Any]:
    timeouts = {
        "statement_timeout": settings.db_statement_timeout_ms,
        "lock_timeout": settings.db_lock_timeout_ms,
        # Longer than a job that a request does itself, see `job_in_request_s`.
        "idle_in_transaction_session_timeout": 10_000,
    }
    return {
        "autocommit": True,
        "row_factory": namedtuple_row,
        "connect_timeout": settings.db_connect_timeout_s,
        "application_name": f"sluice-{name}",
        "options": " ".join(f"-c {key}={value}" for key, value in timeouts.items()),
        # A host that vanished without a word is noticed after this many milliseconds.
        "tcp_user_timeout": settings.db_statement_timeout_ms + 1000,
    }


def _is_cut(line: Line) -> bool:
    """Whether the server has said something to an idle connection, which is how it says goodbye."""
    look = select.poll()
    look.register(line.fileno(), select.POLLIN)
    return bool(look.poll(0))
