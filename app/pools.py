"""The pools of connections to PostgreSQL: how many, how long, and which server each leads to."""

import asyncio
import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import cast

import psycopg
from sqlalchemy import event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry, QueuePool

from app import metrics
from app.settings import Settings


def make(name: str, dsn: str, settings: Settings, *, max_age_s: int = -1) -> AsyncEngine:
    """A pool. Connections are opened when they are needed; each statement commits by itself."""
    timeouts = {
        "statement_timeout": settings.db_statement_timeout_ms,
        "lock_timeout": settings.db_lock_timeout_ms,
        # Longer than a job that a request does itself, see `job_in_request_s`.
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
        # The connection used last is taken first: the others rest, and are few when load is low.
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


@asynccontextmanager
async def connection(
    engine: AsyncEngine, *, patience_s: float
) -> AsyncIterator[tuple[AsyncConnection, str]]:
    """A connection for the block, and who answers it; cut if the block takes longer than this.

    The server ends a slow statement by itself. This is for a server that has fallen silent: once
    the line is cut, whoever waits for it gets an OperationalError. Cancelling the task would not
    do: psycopg then asks the silent server to cancel, and waits up to ten seconds for its answer.
    """
    async with engine.connect() as opened:
        raw = await opened.get_raw_connection()
        line = cast("psycopg.AsyncConnection", raw.driver_connection)
        timer = asyncio.get_running_loop().call_later(patience_s, _cut, line)
        try:
            yield opened, raw.info["who"]
        finally:
            timer.cancel()


def measure(name: str, engine: AsyncEngine) -> None:
    """Bring a pool's metrics up to date."""
    pool = engine.pool
    assert isinstance(pool, QueuePool)
    metrics.db_pool_connections.labels(name, "in_use").set(pool.checkedout())
    metrics.db_pool_connections.labels(name, "idle").set(pool.checkedin())
    metrics.db_pool_limit.labels(name).set(pool.size())


def _cut(line: psycopg.AsyncConnection) -> None:
    if not line.closed:
        # A second handle on the same line, since closing the first under the event loop would not
        # be noticed by who waits for it.
        with socket.socket(fileno=os.dup(line.fileno())) as handle:
            handle.shutdown(socket.SHUT_RDWR)
