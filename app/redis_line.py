"""Redis, asked over one connection by everybody: commands of one turn of the event loop leave
together, and answers come back in their order.

A pool of connections costs a read more than all the rest of it (docs/performance.md). hiredis, the
parser of Redis' own clients, does the work; what is here is who gets which answer, and when to give
up. Redis documentation: "Pipelining", "Redis serialization protocol specification".

Promises: an answer, `Silent` when none comes within the deadline, or `Refused`. Whether a command
that got no answer was carried out is unknown.
"""

import asyncio
import ssl
from collections import deque
from collections.abc import Callable
from typing import cast
from urllib.parse import unquote, urlsplit

import hiredis

type Word = bytes | str | int | float
_pack = cast("Callable[[tuple[Word, ...]], bytes]", hiredis.pack_command)

_STOOD_STILL_S = 0.005  # by so much a timer is late when this process got no CPU, not by chance
_CONNECT_S = 0.2  # name, TCP and TLS, once per outage; never less than for an answer


class Silent(Exception):
    """Redis cannot be reached, or did not answer in time."""


class Refused(Exception):
    """Redis answered with an error."""


class RedisLine:
    """A connection to `url` that is opened when first used, and again after it was lost."""

    def __init__(self, url: str, *, timeout_s: float) -> None:
        self._url = urlsplit(url)
        self._timeout_s = timeout_s
        self._connect_s = max(_CONNECT_S, timeout_s)
        self._wire: _Wire | None = None
        self._opening: asyncio.Task[_Wire] | None = None

    async def ask(self, *words: Word) -> object:
        """The answer: bytes, a number, a list of answers, or None.

        Raises:
            Silent: no connection, or no answer within the deadline.
            Refused: an error from Redis.
        """
        wire = self._wire
        if wire is None or wire.is_lost:
            wire = await self._open()
        return await wire.ask(words)

    async def close(self) -> None:
        """Close the connection; who waits is told `Silent`."""
        if self._wire is not None:
            self._wire.give_up("closed")

    async def _open(self) -> _Wire:
        if self._opening is None:
            self._opening = asyncio.create_task(self._connect())
            self._opening.add_done_callback(self._opened)
        return await asyncio.shield(self._opening)

    def _opened(self, task: asyncio.Task[_Wire]) -> None:
        self._opening = None
        if not task.cancelled() and task.exception() is None:
            self._wire = task.result()

    async def _connect(self) -> _Wire:
        url = self._url
        secure = ssl.create_default_context() if url.scheme == "rediss" else None
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(self._connect_s):
                _, wire = await loop.create_connection(
                    lambda: _Wire(self._timeout_s),
                    url.hostname or "localhost",
                    url.port or 6379,
                    ssl=secure,
                )
        except (OSError, TimeoutError) as error:
            raise Silent(repr(error)) from error
        try:
            if url.password:
                name = (unquote(url.username),) if url.username else ()
                await wire.ask(("AUTH", *name, unquote(url.password)))
            if url.path.strip("/"):
                await wire.ask(("SELECT", url.path.strip("/")))
        except Refused:
            wire.give_up("not let in")
            raise
        return wire


class _Wire(asyncio.Protocol):
    """An open connection: who waits, in the order of what was sent."""

    def __init__(self, timeout_s: float) -> None:
        self.is_lost = False
        self._timeout_s = timeout_s
        self._loop = asyncio.get_running_loop()
        self._reader = hiredis.Reader()
        self._waiting: deque[tuple[asyncio.Future[object], float]] = deque()
        self._outgoing: list[bytes] = []
        self._transport: asyncio.Transport | None = None
        self._timer: asyncio.Handle | None = None
        self._excused: asyncio.Future[object] | None = None

    def ask(self, words: tuple[Word, ...]) -> asyncio.Future[object]:
        """Send a command at the end of this turn of the loop."""
        future = self._loop.create_future()
        now = self._loop.time()
        self._waiting.append((future, now))
        if not self._outgoing:
            self._loop.call_soon(self._flush)
        self._outgoing.append(_pack(words))
        if self._timer is None:
            self._watch_until(now + self._timeout_s)
        return future

    def give_up(self, reason: str) -> None:
        """Lose the connection, and tell everybody who waits."""
        self.is_lost = True
        if self._timer is not None:
            self._timer.cancel()
        if self._transport is not None:
            self._transport.abort()
        while self._waiting:
            future, _ = self._waiting.popleft()
            if not future.done():
                future.set_exception(Silent(reason))

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self.give_up(repr(exc) if exc else "Redis closed the connection")

    def data_received(self, data: bytes) -> None:
        self._reader.feed(data)
        while (answer := self._reader.gets()) is not False:
            future, _ = self._waiting.popleft()
            if future.done():
                continue  # nobody waits any more
            if isinstance(answer, hiredis.ReplyError):
                future.set_exception(Refused(str(answer)))
            else:
                future.set_result(answer)

    def _flush(self) -> None:
        if self._transport is not None and not self.is_lost:
            self._transport.write(b"".join(self._outgoing))
        self._outgoing.clear()

    def _watch_until(self, when: float) -> None:
        """One timer for all: it looks at who has waited longest."""
        self._timer = self._loop.call_at(when, self._look, when)

    def _look(self, due: float) -> None:
        self._timer = None
        if not self._waiting:
            return
        future, sent_at = self._waiting[0]
        deadline, now = sent_at + self._timeout_s, self._loop.time()
        if deadline > now:
            self._watch_until(deadline)
            return
        # A loop looks at its timers before its sockets. If this process stood still, the answer may
        # lie there unread: two turns from now it has been read, however long they take.
        self._timer = self._loop.call_soon(self._wait_a_turn, future, now - due)

    def _wait_a_turn(self, future: asyncio.Future[object], late_s: float) -> None:
        self._timer = self._loop.call_soon(self._judge, future, late_s)

    def _judge(self, future: asyncio.Future[object], late_s: float) -> None:
        """There is no answer, and all that came was read: is it Redis?

        Once, no: who stood still may not even have sent the command before.
        """
        now = self._loop.time()
        if not self._waiting or self._waiting[0][0] is not future:
            self._look(now)
        elif late_s > _STOOD_STILL_S and self._excused is not future:
            self._excused = future
            self._watch_until(now + self._timeout_s)
        else:
            self.give_up(f"no answer within {self._timeout_s} s")
