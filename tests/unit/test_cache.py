"""Promises of `app/cache.py`, over a Redis of a few lines. Real servers: tests/system."""

import asyncio
from typing import Any, cast

import pytest
from redis.asyncio import Redis
from redis.exceptions import ConnectionError as RedisConnectionError

from app import timing
from app.cache import Cache
from app.settings import Settings

KEY = "user:1"


class MemoryRedis:
    """The five commands, without expiry. `gone` makes each of them fail."""

    def __init__(self) -> None:
        self.values: dict[str, bytes] = {}
        self.ttls_ms: list[int] = []
        self.gone = False
        self.asked = 0

    async def get(self, key: str) -> bytes | None:
        """GET."""
        self.asked += 1
        if self.gone:
            raise RedisConnectionError
        return self.values.get(key)

    async def set(
        self, key: str, value: bytes, *, nx: bool = False, px: int = 0, ex: int = 0
    ) -> bool | None:
        """SET, with NX."""
        if self.gone:
            raise RedisConnectionError
        if nx and key in self.values:
            return None
        self.values[key] = value
        self.ttls_ms.append(px or ex * 1000)
        return True

    async def eval(
        self, _script: str, _: int, key: str, mark: bytes, value: bytes, px: str
    ) -> None:
        """The one script: replace this tombstone."""
        if self.values.get(key) == mark:
            await self.set(key, value, px=int(px))

    def pipeline(self, *, transaction: bool) -> Pipeline:
        """Commands that are sent together."""
        assert not transaction
        return Pipeline(self)


class Pipeline:
    """Keeps SETs until they are executed."""

    def __init__(self, redis: MemoryRedis) -> None:
        self.redis = redis
        self.kept: list[tuple[str, bytes, int]] = []

    def set(self, key: str, value: bytes, *, ex: int) -> None:
        """Keep it."""
        self.kept.append((key, value, ex))

    async def execute(self) -> None:
        """Send all."""
        for key, value, ex in self.kept:
            await self.redis.set(key, value, ex=ex)


class Source:
    """A database with one value. `loads` says from where it was asked; `pause` holds loads up."""

    def __init__(self, value: bytes | None) -> None:
        self.value = value
        self.loads: list[str] = []
        self.pause = asyncio.Event()
        self.pause.set()

    async def load(self, *, primary: bool) -> bytes | None:
        """The value at the time of asking, told later."""
        self.loads.append("primary" if primary else "replica")
        value = self.value
        await self.pause.wait()
        return value


@pytest.fixture
def redis() -> MemoryRedis:
    """An empty one."""
    return MemoryRedis()


@pytest.fixture
def cache(redis: MemoryRedis, settings: Settings) -> Cache:
    """A cache over it."""
    return Cache(cast("Redis", redis), settings)


def read(cache: Cache, source: Source, **options: Any) -> Any:
    """Read the key through the cache."""
    return cache.get(KEY, source.load, ttl_s=3600, **options)


def test_the_second_read_does_not_ask_the_database(cache: Cache) -> None:
    """Broken: the cache costs a round trip and saves nothing."""

    async def story() -> None:
        source = Source(b'{"id":1}')
        assert [await read(cache, source) for _ in range(3)] == [b'{"id":1}'] * 3
        assert source.loads == ["replica"]

    asyncio.run(story())


def test_readers_of_one_key_cause_one_load(cache: Cache) -> None:
    """Broken: when a hot key expires, all its readers fall on the database (stampede)."""

    async def story() -> None:
        source = Source(b'{"id":1}')
        source.pause.clear()
        readers = [asyncio.create_task(read(cache, source)) for _ in range(50)]
        await asyncio.sleep(0.01)
        source.pause.set()
        assert set(await asyncio.gather(*readers)) == {b'{"id":1}'}
        assert len(source.loads) == 1

    asyncio.run(story())


def test_a_reader_that_gives_up_does_not_take_the_others_along(cache: Cache) -> None:
    """Broken: one closed browser tab, and everybody who waited for the same key gets an error."""

    async def story() -> None:
        source = Source(b'{"id":1}')
        source.pause.clear()
        first, second = (asyncio.create_task(read(cache, source)) for _ in range(2))
        await asyncio.sleep(0.01)
        first.cancel()
        source.pause.set()
        assert await second == b'{"id":1}'

    asyncio.run(story())


def test_an_absent_thing_is_remembered_as_absent(cache: Cache, redis: MemoryRedis) -> None:
    """Broken: asking for ids that do not exist goes through to the database (penetration)."""

    async def story() -> None:
        source = Source(None)
        assert [await read(cache, source) for _ in range(3)] == [None] * 3
        assert source.loads == ["replica"]
        assert max(redis.ttls_ms) <= 11_000, "and briefly: it may be created"

    asyncio.run(story())


def test_after_an_invalidation_the_next_read_is_the_primarys(cache: Cache) -> None:
    """Broken: a changed name shows the old one, filled again from a replica that lags."""

    async def story() -> None:
        source = Source(b'{"name":"old"}')
        await read(cache, source)
        source.value = b'{"name":"new"}'
        assert await cache.invalidate(KEY)
        assert await read(cache, source) == b'{"name":"new"}'
        assert source.loads == ["replica", "primary"]
        assert await read(cache, source) == b'{"name":"new"}'
        assert len(source.loads) == 2, "and the one after that is a hit again"

    asyncio.run(story())


def test_a_load_that_began_before_an_invalidation_does_not_fill(cache: Cache) -> None:
    """Broken: the old value is back in the cache for an hour, although the write invalidated it."""

    async def story() -> None:
        source = Source(b'{"name":"old"}')
        source.pause.clear()
        late = asyncio.create_task(read(cache, source))
        await asyncio.sleep(0.01)
        source.value = b'{"name":"new"}'
        await cache.invalidate(KEY)
        source.pause.set()
        await late
        assert await read(cache, source) == b'{"name":"new"}'
        assert await read(cache, source) == b'{"name":"new"}'

    asyncio.run(story())


def test_a_load_because_of_one_invalidation_does_not_fill_over_the_next(cache: Cache) -> None:
    """Broken: two changes in a row, and the first one stays in the cache."""

    async def story() -> None:
        source = Source(b'{"name":"first"}')
        await cache.invalidate(KEY)
        source.pause.clear()
        late = asyncio.create_task(read(cache, source))
        await asyncio.sleep(0.01)
        source.value = b'{"name":"second"}'
        await cache.invalidate(KEY)
        source.pause.set()
        await late
        assert await read(cache, source) == b'{"name":"second"}'

    asyncio.run(story())


def test_a_reader_after_the_invalidation_does_not_join_a_load_from_before(cache: Cache) -> None:
    """Broken: who waits for the same key gets what was true before the write was answered."""

    async def story() -> None:
        source = Source(b'{"name":"old"}')
        source.pause.clear()
        early = asyncio.create_task(read(cache, source))
        await asyncio.sleep(0.01)
        source.value = b'{"name":"new"}'
        await cache.invalidate(KEY)
        after = asyncio.create_task(read(cache, source))
        await asyncio.sleep(0.01)
        source.pause.set()
        assert await after == b'{"name":"new"}'
        await early

    asyncio.run(story())


def test_without_redis_every_read_is_answered(cache: Cache, redis: MemoryRedis) -> None:
    """Broken: Redis dies and the pages with it; or each read pays for finding out."""

    async def story() -> None:
        redis.gone = True
        source = Source(b'{"id":1}')
        assert [await read(cache, source) for _ in range(5)] == [b'{"id":1}'] * 5
        assert redis.asked == 1

    asyncio.run(story())


def test_what_redis_could_not_be_told_is_told_before_it_is_read_again(
    redis: MemoryRedis, settings: Settings
) -> None:
    """Broken: Redis was away during a write, comes back, and serves the old value for an hour."""

    async def story() -> None:
        cache = Cache(cast("Redis", redis), settings.model_copy(update={"cache_pause_s": 0.01}))
        source = Source(b'{"name":"old"}')
        await read(cache, source)
        redis.gone = True
        source.value = b'{"name":"new"}'
        assert not await cache.invalidate(KEY)
        redis.gone = False
        assert await read(cache, source) == b'{"name":"new"}', "still paused"
        await asyncio.sleep(0.02)
        assert await read(cache, source) == b'{"name":"new"}', "told, then read"

    asyncio.run(story())


def test_whoever_must_not_trust_redis_is_answered_by_the_primary(cache: Cache) -> None:
    """Broken: an author sees a former value that Redis was not told to forget."""

    async def story() -> None:
        source = Source(b'{"name":"old"}')
        await read(cache, source)
        source.value = b'{"name":"new"}'
        assert await read(cache, source, bypass=True) == b'{"name":"new"}'
        assert source.loads[-1] == "primary"
        assert await read(cache, source) == b'{"name":"old"}', "the others still read Redis"

    asyncio.run(story())


def test_without_an_address_there_is_no_cache(settings: Settings) -> None:
    """Broken: stages 1 to 3 do not work, or claim a cache."""

    async def story() -> None:
        cache, source, record = Cache(None, settings), Source(b"{}"), timing.begin("test")
        assert [await read(cache, source) for _ in range(2)] == [b"{}"] * 2
        assert len(source.loads) == 2
        assert await cache.invalidate(KEY)
        assert (record.cache, record.redis) == ("off", None)

    asyncio.run(story())


def test_keys_filled_together_do_not_expire_together(cache: Cache, redis: MemoryRedis) -> None:
    """Broken: an hour after a start, everything is loaded again in the same second (avalanche)."""

    async def story() -> None:
        for member in range(200):
            await cache.get(f"user:{member}", Source(b"{}").load, ttl_s=3600)
        assert min(redis.ttls_ms) >= 3_240_000
        assert max(redis.ttls_ms) <= 3_960_000
        assert len({ttl // 1000 for ttl in redis.ttls_ms}) > 100, "spread over the seconds"

    asyncio.run(story())


def test_an_error_of_the_database_is_the_readers_and_is_not_kept(cache: Cache) -> None:
    """Broken: a read that failed once fails until the key expires."""

    async def story() -> None:
        async def fail(*, primary: bool) -> bytes | None:
            raise OSError(primary)

        with pytest.raises(OSError, match="False"):
            await cache.get(KEY, fail, ttl_s=60)
        assert await read(cache, Source(b"{}")) == b"{}"

    asyncio.run(story())
