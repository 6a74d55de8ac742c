"""Promises of `app/redis_line.py`, over a real Redis: who gets which answer, and when."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from typing import cast

import pytest

from app.redis_line import RedisLine, Refused, Silent
from tests.unit.redis_server import RedisServer


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """A Redis that wants a password."""
    server = RedisServer(tmp_path_factory.mktemp("guarded"), "--requirepass", "s:cr/t")
    yield server
    server.stop()


def on(url: str, story: Callable[[RedisLine], Awaitable[None]], *, timeout_s: float = 10) -> None:
    """Tell a story on a line to this address."""

    async def whole() -> None:
        line = RedisLine(url, timeout_s=timeout_s)
        try:
            async with asyncio.timeout(60):
                await story(line)
        finally:
            await line.close()

    asyncio.run(whole())


def stand_still(seconds: float) -> None:
    """Keep the event loop from everything, as a kernel does that takes the core away."""
    until_s = time.monotonic() + seconds
    while time.monotonic() < until_s:
        pass


def connections(redis: RedisServer) -> int:
    """How many there have been, this question's left out."""
    stats: bytes = redis.ask("INFO", "stats")
    received = next(
        line for line in stats.splitlines() if line.startswith(b"total_connections_received:")
    )
    return int(received.partition(b":")[2]) - 1


def test_a_thousand_at_a_time_get_their_own_answers_over_one_connection(
    redis: RedisServer,
) -> None:
    """Broken: one member is shown another's profile."""

    async def story(line: RedisLine) -> None:
        before = connections(redis)
        asked = [str(n) for n in range(1000)]
        answers = await asyncio.gather(*(line.ask("ECHO", each) for each in asked))
        assert answers == [each.encode() for each in asked]
        assert connections(redis) == before + 2, "one, and the one that asked before"

    on(redis.url, story)


def test_answers_of_every_kind_arrive(redis: RedisServer) -> None:
    """Broken: a number is taken for a text, a list for one of its parts, nothing for an error."""

    async def story(line: RedisLine) -> None:
        assert await line.ask("SET", b"k\x00", b"\r\n\xff") == b"OK"
        assert await line.ask("GET", b"k\x00") == b"\r\n\xff"
        assert await line.ask("GET", "absent") is None
        assert await line.ask("INCRBY", "n", 7) == 7
        assert await line.ask("MGET", "n", "absent") == [b"7", None]

    on(redis.url, story)


def test_an_error_is_only_its_askers(redis: RedisServer) -> None:
    """Broken: one wrong command, and everybody's reads fail."""

    async def story(line: RedisLine) -> None:
        asked = (line.ask("PING"), line.ask("NONSENSE"), line.ask("PING"))
        first, wrong, last = await asyncio.gather(*asked, return_exceptions=True)
        assert (first, last) == (b"PONG", b"PONG")
        assert isinstance(wrong, Refused)
        assert "unknown command" in str(wrong)

    on(redis.url, story)


def test_who_gives_up_disturbs_nobody(redis: RedisServer) -> None:
    """Broken: a browser that goes away shifts all answers by one."""

    async def story(line: RedisLine) -> None:
        await line.ask("PING")
        asked = [asyncio.create_task(line.ask("ECHO", n)) for n in range(20)]
        await asyncio.sleep(0)
        for each in asked[::3]:
            each.cancel()
        answers = await asyncio.gather(*asked, return_exceptions=True)
        for n, answer in enumerate(answers):
            if n % 3:
                assert answer == b"%d" % n
            else:
                assert isinstance(answer, asyncio.CancelledError)

    on(redis.url, story)


def test_a_server_that_ends_is_told_to_all_who_wait_and_asked_again_later(
    redis: RedisServer,
) -> None:
    """Broken: after a restart of Redis requests hang, or it is never asked again."""

    async def story(line: RedisLine) -> None:
        await line.ask("PING")
        redis.pause()
        asked = [asyncio.create_task(line.ask("ECHO", n)) for n in range(10)]
        await asyncio.sleep(0.05)
        redis.stop()
        try:
            answers = await asyncio.gather(*asked, return_exceptions=True)
            assert {type(each) for each in answers} == {Silent}
            with pytest.raises(Silent):
                await line.ask("PING")
        finally:
            redis.start()
        assert await line.ask("PING") == b"PONG"

    on(redis.url, story)


def test_a_silent_server_costs_one_deadline_however_many_ask(redis: RedisServer) -> None:
    """Broken: Redis hangs, and requests hang with it, or one after the other."""

    async def story(line: RedisLine) -> None:
        await line.ask("PING")
        redis.pause()
        began = time.monotonic()
        asked = (line.ask("PING") for _ in range(100))
        answers = await asyncio.gather(*asked, return_exceptions=True)
        assert {type(each) for each in answers} == {Silent}
        assert 0.5 <= time.monotonic() - began < 0.5 * 100
        redis.resume()
        assert await line.ask("PING") == b"PONG", "on a new connection: the old one owes answers"

    on(redis.url, story, timeout_s=0.5)


def test_a_process_that_stood_still_does_not_blame_redis(redis: RedisServer) -> None:
    """Broken: at a tenth of a core each pause of the process is taken for one of Redis, and the
    database gets the reads.
    """

    async def story(line: RedisLine) -> None:
        await line.ask("PING")
        for _ in range(5):
            asked = asyncio.create_task(line.ask("PING"))
            await asyncio.sleep(0)  # it is asked ...
            await asyncio.sleep(0)  # ... and sent
            stand_still(0.2)
            assert await asked == b"PONG"

    on(redis.url, story, timeout_s=0.05)


def test_the_address_says_password_and_database(guarded: RedisServer) -> None:
    """Broken: a Redis of a cloud, with a password, cannot be used; or two systems share keys."""

    async def story(line: RedisLine) -> None:
        assert await line.ask("SET", "in", "five") == b"OK"
        clients = await line.ask("CLIENT", "INFO")
        assert isinstance(clients, bytes)
        assert b" db=5 " in clients

    for who in ("", "default"):
        on(f"redis://{who}:s%3Acr%2Ft@127.0.0.1:{guarded.port}/5", story)


def test_who_is_not_let_in_is_told_and_leaves_no_connection(guarded: RedisServer) -> None:
    """Broken: a wrong password looks like a slow server, and fills it with connections."""

    async def story(line: RedisLine) -> None:
        for _ in range(5):
            with pytest.raises(Refused, match="WRONGPASS"):
                await line.ask("PING")
        reader = RedisLine(f"redis://:s%3Acr%2Ft@127.0.0.1:{guarded.port}", timeout_s=10)
        async with asyncio.timeout(20):
            listed = b""
            while len(listed.splitlines()) != 1:  # the reader's own
                listed = cast("bytes", await reader.ask("CLIENT", "LIST"))
        await reader.close()

    on(f"redis://:wrong@127.0.0.1:{guarded.port}", story)


def test_an_address_where_nobody_listens_is_silent() -> None:
    """Broken: a Redis that is not there raises what nobody expects, and requests end with 500."""

    async def story(line: RedisLine) -> None:
        for _ in range(2):
            with pytest.raises(Silent):
                await line.ask("PING")

    on("redis://127.0.0.1:1", story)


def test_a_process_that_stands_still_again_and_again_does_not_blame_redis(
    redis: RedisServer,
) -> None:
    """Broken: the kernel takes the core away before the command is sent, and once more after it."""

    async def story(line: RedisLine) -> None:
        await line.ask("PING")
        asked = asyncio.create_task(line.ask("PING"))
        for _ in range(2):
            await asyncio.sleep(0)
            stand_still(0.2)
        assert await asked == b"PONG"

    on(redis.url, story, timeout_s=0.05)


def test_a_process_that_stands_still_notices_a_silent_redis(redis: RedisServer) -> None:
    """Broken: who is always late excuses Redis for ever, and requests hang."""

    async def story(line: RedisLine) -> None:
        await line.ask("PING")
        redis.pause()
        asked = asyncio.create_task(line.ask("PING"))
        looks = 0
        while not asked.done():
            await asyncio.sleep(0)
            stand_still(0.06)
            looks += 1
        assert isinstance(asked.exception(), Silent)
        assert looks < 20
        redis.resume()

    on(redis.url, story, timeout_s=0.05)
