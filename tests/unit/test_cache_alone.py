"""Promises of `app/cache.py` without an answer from Redis: a real one, stopped or made silent."""

import asyncio

import pytest

from app import entries, metrics, timing
from app.cache import Cache, Made, connect
from app.debts import name_in_redis
from app.settings import Settings
from tests.unit.redis_server import RedisServer
from tests.unit.stories import KEY, Source, counted, tell, until

PAUSED = "sluice_cache_paused"
OWED = "sluice_cache_owed_invalidations"


@pytest.fixture
def shared(settings: Settings, redis: RedisServer) -> Settings:
    """A deadline that a busy machine keeps, and a pause that no test outlives."""
    metrics.cache_paused.set(0)
    metrics.cache_owed_invalidations.set(0)
    update = {"cache_url": redis.url, "cache_timeout_s": 0.5, "cache_pause_s": 600}
    return settings.model_copy(update=update)


def failures() -> float:
    """How many reads paid for a deadline."""
    return counted("sluice_cache_failures_total", command="get")


def test_without_an_address_there_is_no_cache(settings: Settings) -> None:
    """Broken: stages 1 to 3 do not work, or claim a cache."""

    async def story(cache: Cache) -> None:
        source, record = Source(), timing.begin(b"test")
        assert [await source.read(cache, after=3) for _ in range(2)] == [b"{}"] * 2
        assert source.loads == [3, 3]
        assert await cache.announce(KEY)
        assert not await cache.invalidate(KEY), "nothing is owed"
        assert (record.cache, record.redis) == ("off", None)

    assert connect(settings) is None
    tell(settings, story)


@pytest.mark.parametrize("fault", ["gone", "silent"])
def test_without_redis_every_read_is_answered(
    shared: Settings, redis: RedisServer, fault: str
) -> None:
    """Broken: Redis dies and the pages with it; or each read pays for finding out."""

    async def story(cache: Cache) -> None:
        source, before = Source(), failures()
        await source.read(cache)
        if fault == "gone":
            redis.stop()
        else:
            redis.pause()
        try:
            assert [await source.read(cache, after=2) for _ in range(20)] == [b"{}"] * 20
            assert source.loads == [0, *[2] * 20]
            assert failures() == before + 1, "the first one paid"
            assert counted(PAUSED) == 1
        finally:
            if fault == "gone":
                redis.start()

    tell(shared, story)


def test_after_the_pause_one_reader_tries_and_all_go_on(
    shared: Settings, redis: RedisServer
) -> None:
    """Broken: Redis is back and is not used, or is tried by all at once while it is not."""

    async def story(cache: Cache) -> None:
        source, before = Source(), failures()
        redis.pause()
        await source.read(cache)
        await asyncio.sleep(0.3)  # the pause is over
        await asyncio.gather(*(source.read(cache) for _ in range(20)))
        assert failures() == before + 2, "of all these one tried"
        redis.resume()
        await asyncio.sleep(0.3)
        await source.read(cache)
        await until(lambda: counted(PAUSED) == 0)
        loads = len(source.loads)
        assert await source.read(cache) == b"{}"
        assert len(source.loads) == loads, "a hit"
        assert failures() == before + 2

    tell(shared.model_copy(update={"cache_pause_s": 0.25, "cache_timeout_s": 0.2}), story)


def test_what_redis_could_not_be_told_is_told_when_it_answers(
    shared: Settings, redis: RedisServer
) -> None:
    """Broken: Redis was away during a write, comes back, and serves the old value for an hour."""

    async def story(writer: Cache, reader: Cache) -> None:
        source = Source(b'{"name":"old"}')
        await source.read(reader)
        redis.pause()
        receipt = await writer.invalidate(KEY, position=42)
        assert counted(OWED) == 1
        assert not await writer.is_settled(receipt)
        source.value = b'{"name":"new"}'
        assert await source.read(writer) == b'{"name":"new"}', "who wrote knows without Redis"
        assert source.loads[-1] == 42
        telling = asyncio.create_task(writer.keep_telling())
        redis.resume()
        await until(lambda: counted(OWED) == 0)
        assert entries.position(redis.ask("GET", entries.name_of(KEY))) == 42
        said = name_in_redis(receipt.partition(".")[0])
        await until(lambda: redis.ask("EXISTS", said))
        telling.cancel()
        assert await reader.is_settled(receipt)
        assert await source.read(reader) == b'{"name":"new"}'

    tell(shared.model_copy(update={"cache_pause_s": 0.05}), story, replicas=2)


def test_what_was_made_while_redis_was_away_is_told_as_a_change(
    shared: Settings, redis: RedisServer
) -> None:
    """Broken: "no such member" stays in Redis, because it was away during the sign-up."""

    async def story(cache: Cache) -> None:
        source = Source(None)
        assert await source.read(cache) is None
        redis.pause()
        mark = await cache.announce("new:1")
        made = Made(KEY, b"{}", 60)
        assert await cache.invalidate("new:1", position=42, mark=mark, made=made)
        assert counted(OWED) == 2
        source.value = b"{}"
        telling = asyncio.create_task(cache.keep_telling())
        redis.resume()
        await until(lambda: counted(OWED) == 0)
        telling.cancel()
        assert await source.read(cache) == b"{}"
        assert source.loads[-1] == 42

    tell(shared.model_copy(update={"cache_pause_s": 0.05}), story)


def test_what_was_announced_is_cached_again_when_redis_was_told(
    shared: Settings, redis: RedisServer
) -> None:
    """Broken: Redis is silent for a moment after an announcement, and nothing is stored there until
    that runs out.
    """

    async def story(cache: Cache) -> None:
        source, mark = Source(), await cache.announce(KEY)
        redis.pause()
        receipt = await cache.invalidate(KEY, position=42, mark=mark)
        telling = asyncio.create_task(cache.keep_telling())
        redis.resume()
        await until(lambda: counted(OWED) == 0)
        telling.cancel()
        assert receipt
        assert [await source.read(cache) for _ in range(2)] == [b"{}"] * 2
        assert source.loads == [42], "one load, then a hit"

    tell(shared.model_copy(update={"cache_pause_s": 0.05}), story)


def test_a_redis_whose_memory_is_full_still_serves_and_is_told(
    shared: Settings, redis: RedisServer
) -> None:
    """Broken: Redis stores no more, and old values stay, or nobody reads from it any more."""

    async def story(cache: Cache) -> None:
        source, other = Source(), Source()
        refused = counted("sluice_cache_failures_total", command="lease")
        await source.read(cache)
        redis.ask("CONFIG", "SET", "maxmemory", "1")
        try:
            assert await cache.get("user:3", other.load, ttl_s=60) == b"{}"
            assert counted("sluice_cache_failures_total", command="lease") == refused + 1
            assert await source.read(cache) == b"{}"
            assert len(source.loads) == 1, "a hit"
            assert not await cache.invalidate(KEY, position=3), "nothing is owed"
            assert await source.read(cache) == b"{}"
            assert source.loads == [0, 3]
            assert counted(PAUSED) == 0
        finally:
            redis.ask("CONFIG", "SET", "maxmemory", "0")

    tell(shared, story)


def test_whoever_must_not_trust_redis_is_answered_by_the_database(shared: Settings) -> None:
    """Broken: an author sees a former value that Redis was not told to forget."""

    async def story(cache: Cache) -> None:
        source = Source(b'{"name":"old"}')
        await source.read(cache)
        source.value = b'{"name":"new"}'
        assert await source.read(cache, bypass=True, after=8) == b'{"name":"new"}'
        assert source.loads[-1] == 8
        assert await source.read(cache) == b'{"name":"old"}', "the others still read Redis"

    tell(shared, story)
