"""Promises of `app/cache.py`, over a real Redis. What happens without one: test_cache_alone.py."""

import asyncio
import time

import pytest

from app import entries, timing
from app.cache import Cache, Made
from app.errors import DatabaseUnavailable
from app.settings import Settings
from tests.unit.redis_server import RedisServer
from tests.unit.stories import KEY, TTL_S, Source, counted, tell, until

NAME, LEASE = entries.name_of(KEY), entries.lease_of(KEY)


@pytest.fixture
def shared(settings: Settings, redis: RedisServer) -> Settings:
    """Settings of replicas that share this Redis, with patience for a machine that is busy."""
    near = {"cache_url": redis.url, "cache_timeout_s": 10, "cache_wait_s": 20}
    return settings.model_copy(update=near)


def put(redis: RedisServer, body: bytes, *, left_s: float) -> bytes:
    """Store a value that is fresh for so long (negative: was until then)."""
    entry = b"=%016x%013d" % (0, int((time.time() + left_s) * 1000)) + body
    redis.ask("SET", NAME, entry)
    return entry


def test_the_second_read_does_not_ask_the_database(shared: Settings) -> None:
    """Broken: the cache costs a round trip and saves nothing."""

    async def story(one: Cache, other: Cache) -> None:
        source, record = Source(b'{"id":1}'), timing.begin(b"test")
        assert [await source.read(each) for each in (one, one, other)] == [b'{"id":1}'] * 3
        assert source.loads == [0]
        assert record.cache == "hit"

    tell(shared, story, replicas=2)


def test_a_key_is_loaded_once_in_the_whole_cluster(shared: Settings) -> None:
    """Broken: when a hot key expires, its readers on each replica fall on the database."""

    async def story(*caches: Cache) -> None:
        source = Source(b'{"id":1}')
        source.pause.clear()
        readers = [asyncio.create_task(source.read(caches[i % 3])) for i in range(100)]
        await until(lambda: source.loads)
        await asyncio.sleep(0.1)
        source.pause.set()
        assert set(await asyncio.gather(*readers)) == {b'{"id":1}'}
        assert len(source.loads) == 1

    tell(shared, story, replicas=3)


def test_without_one_loader_each_reader_loads_and_one_of_them_stores(
    shared: Settings, redis: RedisServer
) -> None:
    """Broken: `make ablate-single-flight` compares the technique with itself, or without it
    nothing is stored any more, which is another thing than it measures.
    """

    async def story(*caches: Cache) -> None:
        source = Source(b'{"id":1}')
        source.pause.clear()
        readers = [asyncio.create_task(source.read(caches[i % 3])) for i in range(30)]
        await until(lambda: len(source.loads) == 30)
        source.pause.set()
        assert set(await asyncio.gather(*readers)) == {b'{"id":1}'}
        stored = redis.ask("GET", NAME)
        assert isinstance(stored, bytes)
        assert entries.answer(stored) == b'{"id":1}'

    tell(shared.model_copy(update={"cache_one_loader": False}), story, replicas=3)


def test_an_absent_id_that_may_not_be_remembered_is_asked_for_again(
    shared: Settings, redis: RedisServer
) -> None:
    """Broken: `CACHE_ABSENT_TTL_S=0` is an error of Redis, or holds the next reader up."""

    async def story(cache: Cache) -> None:
        source = Source(None)
        assert [await source.read(cache) for _ in range(3)] == [None] * 3
        assert len(source.loads) == 3
        assert redis.ask("EXISTS", NAME, LEASE) == 0

    tell(shared.model_copy(update={"cache_absent_ttl_s": 0}), story)


def test_who_comes_just_after_the_fill_does_not_load(
    shared: Settings, redis: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Broken: a reader finds nothing, and while it asks for the lease another process stores the
    value: it goes to the database as well.
    """

    async def story(cache: Cache) -> None:
        ask = cache.ask

        async def filled_in_between(command: str, *words: bytes | str | float) -> object:
            if command == "lease":
                put(redis, b'{"by":"another"}', left_s=TTL_S)
            return await ask(command, *words)

        monkeypatch.setattr(cache, "ask", filled_in_between)
        source = Source(b'{"by":"me"}')
        assert await source.read(cache) == b'{"by":"another"}'
        assert source.loads == []

    tell(shared, story)


def test_who_waits_takes_what_another_process_stored(shared: Settings, redis: RedisServer) -> None:
    """Broken: a replica waits for another one's load, and then loads as well."""

    async def story(cache: Cache) -> None:
        redis.ask("SET", LEASE, "another's")
        source = Source()
        waiting = asyncio.create_task(source.read(cache))
        await asyncio.sleep(0.05)
        put(redis, b'{"by":"another"}', left_s=TTL_S)
        assert await waiting == b'{"by":"another"}'
        assert source.loads == []

    tell(shared, story)


def test_a_lease_whose_holder_died_is_not_waited_for(shared: Settings, redis: RedisServer) -> None:
    """Broken: a replica is killed while it loads, and a page hangs until its lease ends."""

    async def story(cache: Cache) -> None:
        redis.ask("SET", LEASE, "a dead one's")
        source = Source(b'{"id":1}')
        assert await source.read(cache) == b'{"id":1}'
        assert redis.ask("GET", NAME) is None, "without the lease nothing is stored"

    tell(shared.model_copy(update={"cache_wait_s": 0.05}), story)


def test_a_reader_that_gives_up_does_not_take_the_others_along(shared: Settings) -> None:
    """Broken: one closed browser tab, and everybody who waited for the same key gets an error."""

    async def story(cache: Cache) -> None:
        source = Source(b'{"id":1}')
        source.pause.clear()
        first, second = (asyncio.create_task(source.read(cache)) for _ in range(2))
        await until(lambda: source.loads)
        first.cancel()
        source.pause.set()
        assert await second == b'{"id":1}'
        assert len(source.loads) == 1

    tell(shared, story)


def test_an_absent_thing_is_remembered_as_absent(shared: Settings, redis: RedisServer) -> None:
    """Broken: asking for ids that do not exist goes through to the database (penetration)."""

    async def story(cache: Cache) -> None:
        source = Source(None)
        assert [await source.read(cache) for _ in range(3)] == [None] * 3
        assert source.loads == [0]
        assert 0 < redis.ask("PTTL", NAME) <= 11_000, "and briefly: it may be created"

    tell(shared, story)


def test_an_error_of_the_database_is_the_readers_and_is_not_kept(
    shared: Settings, redis: RedisServer
) -> None:
    """Broken: a read that failed once fails until the key expires, or all wait for its lease."""

    async def story(cache: Cache) -> None:
        source = Source(b"{}")
        source.trouble = DatabaseUnavailable()
        with pytest.raises(DatabaseUnavailable):
            await source.read(cache)
        source.trouble = None
        assert await source.read(cache) == b"{}"
        assert redis.ask("GET", NAME).endswith(b"{}")

    tell(shared, story)


@pytest.mark.parametrize("left_s", [TTL_S / 20, -1.0])
def test_what_is_due_is_served_at_once_and_loaded_anew_once(
    shared: Settings, redis: RedisServer, left_s: float
) -> None:
    """Broken: whoever reads a hot key at its end waits for the database, or all load it anew."""

    async def story(*caches: Cache) -> None:
        put(redis, b'{"name":"old"}', left_s=left_s)
        source = Source(b'{"name":"new"}')
        source.pause.clear()
        for cache in caches * 5:
            assert await source.read(cache) == b'{"name":"old"}', "at once: no load has ended"
        await until(lambda: source.loads)
        source.pause.set()
        await until(lambda: redis.ask("GET", NAME).endswith(b'{"name":"new"}'))
        assert [await source.read(cache) for cache in caches] == [b'{"name":"new"}'] * 3
        assert len(source.loads) == 1

    tell(shared, story, replicas=3)


def test_a_refresh_that_fails_keeps_what_there_is(shared: Settings, redis: RedisServer) -> None:
    """Broken: the database is away for a moment, and takes what was cached along."""

    async def story(cache: Cache) -> None:
        def failed() -> float:
            return counted("sluice_cache_refreshes_total", family="user", outcome="failed")

        before = failed()
        entry = put(redis, b'{"name":"old"}', left_s=-1)
        source = Source(b'{"name":"new"}')
        source.trouble = DatabaseUnavailable()
        assert await source.read(cache) == b'{"name":"old"}'
        await until(lambda: failed() > before)
        assert redis.ask("GET", NAME) == entry
        assert await source.read(cache) == b'{"name":"old"}'
        assert len(source.loads) == 1, "and the database is left alone for the life of a lease"

    tell(shared, story)


def test_a_refresh_is_loaded_where_its_reader_would_have_loaded(
    shared: Settings, redis: RedisServer
) -> None:
    """Broken: what only the primary may say about a session is read from a replica that lags."""

    async def story(cache: Cache) -> None:
        put(redis, b"{}", left_s=-1)
        source = Source()
        await source.read(cache, after=77)
        await until(lambda: source.loads)
        assert source.loads == [77]

    tell(shared, story)


def test_after_an_invalidation_the_load_has_its_position(shared: Settings) -> None:
    """Broken: a changed name shows the old one, filled again from a replica that lags."""

    async def story(writer: Cache, reader: Cache) -> None:
        source = Source(b'{"name":"old"}')
        await source.read(reader)
        source.value = b'{"name":"new"}'
        assert not await writer.invalidate(KEY, position=4711)
        assert await source.read(reader) == b'{"name":"new"}'
        assert source.loads == [0, 4711]
        assert await source.read(reader) == b'{"name":"new"}'
        assert len(source.loads) == 2, "and the one after that is a hit again"

    tell(shared, story, replicas=2)


@pytest.mark.parametrize("changed_before", [False, True])
def test_a_load_that_began_before_an_invalidation_does_not_fill(
    shared: Settings, redis: RedisServer, *, changed_before: bool
) -> None:
    """Broken: the old value is back in the cache for an hour, although the write invalidated it."""

    async def story(writer: Cache, reader: Cache) -> None:
        if changed_before:
            await writer.invalidate(KEY, position=1)
        source = Source(b'{"name":"old"}')
        source.pause.clear()
        late = asyncio.create_task(source.read(reader))
        await until(lambda: source.loads)
        source.value = b'{"name":"new"}'
        await writer.invalidate(KEY, position=2)
        tombstone = redis.ask("GET", NAME)
        # Who asks now does not join the load from before.
        after = asyncio.create_task(source.read(reader))
        await until(lambda: len(source.loads) == 2)
        source.pause.set()
        assert [await late, await after] == [b'{"name":"old"}', b'{"name":"new"}']
        assert redis.ask("GET", NAME) != tombstone
        assert await source.read(reader) == b'{"name":"new"}'
        assert source.loads[1:] == [2]

    tell(shared, story, replicas=2)


def test_while_a_write_is_under_way_nothing_is_stored(shared: Settings, redis: RedisServer) -> None:
    """Broken: a writer dies between its commit and the invalidation, and the old value stays."""

    async def story(writer: Cache, reader: Cache) -> None:
        source = Source(b'{"name":"old"}')
        await source.read(reader)
        mark = await writer.announce(KEY)
        assert [await source.read(reader) for _ in range(2)] == [b'{"name":"old"}'] * 2
        assert len(source.loads) == 3, "each read is answered by the database"
        assert entries.is_being_changed(redis.ask("GET", NAME))
        assert 0 < redis.ask("PTTL", NAME) <= entries.MARK_MS, "for a bounded time"
        await writer.invalidate(KEY, position=9, mark=mark)
        await source.read(reader)
        await source.read(reader)
        assert source.loads[3:] == [9]

    tell(shared, story, replicas=2)


def test_a_writer_that_ends_earlier_does_not_open_the_key(
    shared: Settings, redis: RedisServer
) -> None:
    """Broken: of two writes at a time the first one's end lets a value from between be stored."""

    async def story(one: Cache, other: Cache) -> None:
        first, second = await one.announce(KEY), await other.announce(KEY)
        await one.invalidate(KEY, position=5, mark=first)
        source = Source()
        await source.read(one)
        assert entries.is_being_changed(redis.ask("GET", NAME))
        await other.invalidate(KEY, position=6, mark=second)
        await source.read(one)
        assert source.loads == [5, 6]
        assert redis.ask("GET", NAME).endswith(b"{}")

    tell(shared, story, replicas=2)


MADE = Made(KEY, b'{"name":"first"}', TTL_S)


def test_a_read_that_follows_the_write_that_made_it_is_a_hit(
    shared: Settings, redis: RedisServer
) -> None:
    """Broken: everybody who signs up is read from the primary at once, since no replica can."""

    async def story(writer: Cache, reader: Cache) -> None:
        source, record = Source(b'{"name":"first"}'), timing.begin(b"test")
        mark = await writer.announce("new:1")
        assert not await writer.invalidate("new:1", position=7, mark=mark, made=MADE)
        assert await source.read(reader) == b'{"name":"first"}'
        assert (record.cache, source.loads) == ("hit", [])
        assert entries.position(redis.ask("GET", NAME)) == 7, "a load that follows must have it"

    tell(shared, story, replicas=2)


@pytest.mark.parametrize("ended", [True, False])
def test_a_later_write_overtakes_the_one_that_made_it(shared: Settings, *, ended: bool) -> None:
    """Broken: what was made is changed at once, and the end of the making brings the first back."""

    async def story(maker: Cache, changer: Cache) -> None:
        source = Source(b'{"name":"second"}')
        making = await maker.announce("new:1")
        changing = await changer.announce(KEY)
        if ended:
            await changer.invalidate(KEY, position=9, mark=changing)
        await maker.invalidate("new:1", position=7, mark=making, made=MADE)
        assert await source.read(maker) == b'{"name":"second"}'
        assert source.loads == [9 if ended else 7]
        await changer.invalidate(KEY, position=9, mark=changing)
        assert [await source.read(changer) for _ in range(2)] == [b'{"name":"second"}'] * 2
        assert source.loads[-1] == 9

    tell(shared, story, replicas=2)


def test_what_was_made_without_a_standing_announcement_is_read_from_the_database(
    shared: Settings, redis: RedisServer
) -> None:
    """Broken: a process that stood still stores what was changed long ago."""

    async def story(cache: Cache) -> None:
        refused = counted("sluice_cache_fills_total", family="user", outcome="refused")
        mark = await cache.announce("new:1")
        redis.ask("DEL", entries.name_of("new:1"))  # its time is over
        assert not await cache.invalidate("new:1", position=7, mark=mark, made=MADE)
        source = Source()
        await source.read(cache)
        assert source.loads == [7]
        now = counted("sluice_cache_fills_total", family="user", outcome="refused")
        assert now == refused + 1

    tell(shared, story)
