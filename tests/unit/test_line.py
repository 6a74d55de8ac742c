"""Promises of `app/line.py`: who waits is woken, and a socket that is gone is let go."""

import asyncio
import socket
import struct
from collections.abc import Awaitable, Generator
from typing import Any, cast

import psycopg
import pytest
import uvloop
from psycopg.abc import PQGen
from psycopg.pq import ConnStatus
from psycopg.waiting import Ready, Wait

from app.line import Line, Silent
from tests.unit.stories import until

LOOPS = {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}


class Handle:
    """What libpq has of a connection: a real socket; the peer at its other end is the server."""

    def __init__(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as server:
            mine = socket.create_connection(server.getsockname())
            self.peer, _ = server.accept()
        mine.settimeout(0)
        self.status = ConnStatus.OK
        self.line = mine

    @property
    def socket(self) -> int:
        """Its number."""
        return self.line.fileno()

    def finish(self) -> None:
        """Close it."""
        self.status = ConnStatus.BAD
        self.line.close()
        self.peer.close()

    def reset(self) -> None:
        """Have the server's machine break the connection off, as when a process is killed."""
        self.peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.peer.close()

    def hear(self, wanted: Wait = Wait.R) -> PQGen[tuple[int, bytes]]:
        """As psycopg's own: wait until ready, then read what came."""
        ready = yield wanted
        return ready, self.line.recv(100) if ready & Ready.R else b""


def line_of(handle: Handle) -> Line:
    """A connection by this."""
    return Line(cast("Any", handle))


async def heard(line: Line, handle: Handle, word: bytes) -> tuple[int, bytes]:
    """What a statement hears when its server says this while it waits."""
    waiting = asyncio.create_task(line.wait(handle.hear()))
    await asyncio.sleep(0)
    handle.peer.send(word)
    return await waiting


@pytest.fixture(params=LOOPS, ids=str)
def runner(request: pytest.FixtureRequest) -> Generator[asyncio.Runner]:
    """Runs a coroutine on either loop."""
    with asyncio.Runner(loop_factory=LOOPS[request.param]) as runner:
        yield runner


async def within(story: Awaitable[None]) -> None:
    """The whole of it: a wait that is never woken is a failure, no hanging test."""
    async with asyncio.timeout(5):
        await story


def test_who_waits_is_woken_each_time(runner: asyncio.Runner) -> None:
    """Broken: the second statement on a connection waits for ever."""

    async def story() -> None:
        handle = Handle()
        line = line_of(handle)
        for word in (b"one", b"two", b"three"):
            assert await heard(line, handle, word) == (Ready.R, word)
        assert await line.wait(handle.hear(Wait.RW)) == (Ready.W, b"")
        await line.close()

    runner.run(within(story()))


def test_what_nobody_asked_for_keeps_nobody_busy(runner: asyncio.Runner) -> None:
    """Broken: a server that says goodbye to an idle connection takes a whole core."""

    async def story() -> None:
        handle = Handle()
        line = line_of(handle)
        handle.peer.send(b"an answer")
        await line.wait(handle.hear())
        handle.peer.send(b"goodbye")
        await until(lambda: line._watched is None)  # noqa: SLF001 - else the loop calls it for ever
        assert await line.wait(handle.hear()) == (Ready.R, b"goodbye")
        await line.close()

    runner.run(within(story()))


def test_the_next_socket_of_the_same_number_is_heard(
    runner: asyncio.Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Broken: libpq closed the socket, its number is another connection's, and that is deaf."""
    monkeypatch.setattr("app.line._LOOK_S", 100.0)  # or a look would find it out

    async def story() -> None:
        first = Handle()
        line = line_of(first)
        first.peer.send(b"an answer")
        await line.wait(first.hear())

        def breaks() -> PQGen[None]:
            yield Wait.R
            first.finish()  # as libpq does when the server has closed it
            raise psycopg.OperationalError("gone")

        number = first.socket
        first.peer.send(b"broken")
        with pytest.raises(psycopg.OperationalError):
            await line.wait(breaks())
        second = Handle()
        assert second.socket == number
        next_one = line_of(second)
        assert await heard(next_one, second, b"an answer") == (Ready.R, b"an answer")
        await next_one.close()

    runner.run(within(story()))


def test_who_is_cancelled_leaves_a_closed_connection(runner: asyncio.Runner) -> None:
    """Broken: the next one reads the answer to a question of somebody else's."""

    async def story() -> None:
        handle = Handle()
        line = line_of(handle)
        waiting = asyncio.create_task(line.wait(handle.hear()))
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert line.closed
        assert handle.line.fileno() == -1

    runner.run(within(story()))


def test_a_broken_socket_is_heard_as_often_as_it_is_asked(runner: asyncio.Runner) -> None:
    """Broken: uvloop tells once of a socket that was reset, and whoever waits again is deaf."""

    async def story() -> None:
        handle = Handle()
        line = line_of(handle)
        handle.peer.send(b"an answer")
        await line.wait(handle.hear())

        def thrice() -> PQGen[list[int]]:
            return [(yield Wait.R), (yield Wait.R), (yield Wait.R)]

        waiting = asyncio.create_task(line.wait(thrice()))
        await asyncio.sleep(0)
        handle.reset()
        assert await waiting == [Ready.R] * 3
        # And by the next statement, whose server was gone before it began.
        with pytest.raises(ConnectionResetError):
            await line.wait(handle.hear())
        await line.close()

    runner.run(within(story()))


def test_who_waits_for_a_silent_server_is_told(runner: asyncio.Runner) -> None:
    """Broken: a server that says nothing holds up whoever asked it."""

    async def story() -> None:
        handle = Handle()
        line = line_of(handle)

        def patient() -> PQGen[None]:
            while True:
                yield Wait.R

        line.until = asyncio.get_running_loop().time() + 0.2
        with pytest.raises(Silent):
            await line.wait(patient())
        assert line.closed

    runner.run(within(story()))


def test_an_answer_that_is_there_is_read_however_late(runner: asyncio.Runner) -> None:
    """Broken: a process that stood still for seconds takes a server that answered for a silent one,
    and a write that was done for a failed one.
    """

    async def story() -> None:
        handle = Handle()
        line = line_of(handle)
        line.until = asyncio.get_running_loop().time() - 1
        assert await heard(line, handle, b"an answer") == (Ready.R, b"an answer")
        await line.close()

    runner.run(within(story()))
