"""The application with one step of its way undone: `python -m loadtest.bench.put_back STEP`.

What a step saved is what it costs to put back what was there before, beside the application as it
ships: the same code by the same entry, with one part replaced before anything is assembled.
"""

import asyncio
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import orjson
import psycopg
import uvicorn
from fastapi import Request
from fastapi.telemetry import TelemetryConfig
from redis.asyncio import Redis
from starlette.middleware.base import BaseHTTPMiddleware, RequestResponseEndpoint
from starlette.responses import Response
from starlette.types import ASGIApp

from app import __main__ as entry
from app import cache, logs, main, passwords, replicas, replies
from app import settings as environment
from app.intake import Intake
from app.line import Line
from app.timing import Record


class Pooled:
    """Redis by redis-py's pool, each command in a timeout of its own: what RedisLine replaced."""

    def __init__(self, url: str, *, timeout_s: float) -> None:
        self._client: Redis = Redis.from_url(url, max_connections=64)
        self._timeout_s = timeout_s

    async def ask(self, *words: Any) -> object:
        """The answer."""
        async with asyncio.timeout(self._timeout_s):
            return await self._client.execute_command(*words)  # type: ignore[no-untyped-call]

    async def close(self) -> None:
        """Close the pool."""
        await self._client.aclose()


async def hand_on(request: Request, follow: RequestResponseEndpoint) -> Response:
    """A middleware that does nothing."""
    return await follow(request)


def redis_pool() -> None:
    """A pool of connections to Redis."""
    setattr(cache, "RedisLine", Pooled)


def log_line() -> None:
    """Each line of the access log through all of structlog, and written at once."""

    def requests_answered(records: list[Record], _since: float) -> None:
        for record in records:
            method, route, status, word = record.kind
            logs.get().info(
                "request_answered",
                request_id=record.request_id,
                method=method,
                route=route,
                path=record.path,
                status=status,
                ms=round(record.seconds * 1000, 2),
                cache=word,
                statements=len(record.statements),
            )

    setattr(logs, "requests_answered", requests_answered)

    def write(line: bytes) -> None:
        sys.stdout.buffer.write(line)
        sys.stdout.buffer.flush()

    setattr(logs._output, "write", write)


def middleware() -> None:
    """One layer as a class of Starlette's instead of an ASGI function."""

    def outer(app: ASGIApp) -> ASGIApp:
        return BaseHTTPMiddleware(Intake(app), dispatch=hand_on)

    setattr(main, "Intake", outer)


def decoded() -> None:
    """The value from Redis decoded, and made JSON again by FastAPI and the answer's model."""
    setattr(replies, "validated", lambda _request, body: orjson.loads(body))


def telemetry() -> None:
    """FastAPI's own tracing, as it is when nobody asks for it."""
    setattr(main, "_NO_TELEMETRY", TelemetryConfig())


def plain_python() -> None:
    """The loop of asyncio and h11, both in Python, instead of uvloop and httptools."""
    shipped = uvicorn.Config

    def config(app: ASGIApp, **settings: Any) -> uvicorn.Config:
        return shipped(app, **{**settings, "loop": "asyncio", "http": "h11"})

    setattr(uvicorn, "Config", config)


class Executor(ThreadPoolExecutor):
    """The standard library's pool of threads, as passwords were hashed in it."""

    def __init__(self, number: int) -> None:
        super().__init__(number, "argon2")

    def do(self, work: Callable[..., Any], *values: Any) -> asyncio.Future[Any]:
        """What the work returns."""
        return asyncio.get_running_loop().run_in_executor(self, work, *values)

    def end(self) -> None:
        """Let the threads end."""
        self.shutdown(wait=False, cancel_futures=True)


def executor() -> None:
    """Passwords hashed in a pool whose futures have locks."""
    setattr(passwords, "_Threads", Executor)


def no_waiting() -> None:
    """A write's position asked for at once, whoever else is about to ask."""
    shipped = replicas.Replicas.position

    async def position(self: replicas.Replicas, **_: bool) -> int | None:
        return await shipped(self)

    setattr(replicas.Replicas, "position", position)


def connection() -> None:
    """A connection to PostgreSQL as psycopg's: each wait is a new one, and so is each cursor."""

    async def rows(self: Line, sql: str, values: Any = None) -> list[Any]:
        cursor = await self.execute(sql, values)
        return await cursor.fetchall() if cursor.rownumber is not None else []

    setattr(Line, "rows", rows)
    setattr(Line, "wait", psycopg.AsyncConnection.wait)


STEPS: dict[str, Callable[[], None]] = {
    each.__name__.replace("_", "-"): each
    for each in (
        *(redis_pool, log_line, middleware, decoded, telemetry, plain_python),
        *(executor, no_waiting, connection),
    )
}

if __name__ == "__main__":
    STEPS[sys.argv[1]]()
    found = environment.load()
    logs.start(found.log_level, service="web")
    entry.serve(found)
