"""Promises of `app/entries.py`, in a real Redis: what its scripts leave behind."""

import time
from collections import Counter

import pytest

from app import entries
from tests.unit.redis_server import RedisServer

KEY = "user:1"
NAMES = (entries.name_of(KEY), entries.lease_of(KEY))
VALUE = b"=%016x%013d" % (0, 4_000_000_000_000) + b'{"id":1}'


def do(redis: RedisServer, script: str, *values: str | bytes | int) -> int:
    """Run one of the scripts on the key."""
    answer = redis.ask("EVAL", script, 2, *NAMES, *values)
    assert isinstance(answer, int), answer
    return answer


def lease(redis: RedisServer, token: str, seen: bytes | None = None) -> int:
    """Ask for the lease."""
    return do(redis, entries.TAKE_LEASE, entries.head(seen), token, entries.LEASE_MS)


def announce(redis: RedisServer, mark: str) -> None:
    """Begin a write."""
    assert do(redis, entries.ANNOUNCE, mark, entries.MARK_MS) == 1


def invalidate(redis: RedisServer, mark: str, position: int) -> None:
    """End a write."""
    values = (mark, entries.hexadecimal(position), entries.TOMBSTONE_MS, entries.MARK_MS)
    assert do(redis, entries.INVALIDATE, *values) == 1


def there(redis: RedisServer) -> bytes | None:
    """What lies under the key."""
    found: bytes | None = redis.ask("GET", NAMES[0])
    return found


def left_ms(redis: RedisServer) -> int:
    """How long it will."""
    left: int = redis.ask("PTTL", NAMES[0])
    return left


def test_one_load_holds_the_lease(redis: RedisServer) -> None:
    """Broken: two processes load the same key, and the slower one stores the older value."""
    assert [lease(redis, "a"), lease(redis, "b")] == [1, 0]
    assert do(redis, entries.FILL, "b", VALUE, 1000) == 0
    assert do(redis, entries.FILL, "a", VALUE, 1000) == 1
    assert there(redis) == VALUE
    assert do(redis, entries.FILL, "a", VALUE, 1000) == 0, "a lease is good for one value"


def test_a_lease_ends_by_itself(redis: RedisServer) -> None:
    """Broken: a process dies while it loads, and the key is never stored again."""
    lease(redis, "a")
    assert 0 < redis.ask("PTTL", NAMES[1]) <= entries.LEASE_MS


def test_only_its_holder_gives_a_lease_up(redis: RedisServer) -> None:
    """Broken: a load that failed opens the key under the load that follows it."""
    lease(redis, "a")
    assert redis.ask("EVAL", entries.GIVE_UP, 1, NAMES[1], "b") == 0
    assert redis.ask("GET", NAMES[1]) == b"a"
    assert redis.ask("EVAL", entries.GIVE_UP, 1, NAMES[1], "a") == 1
    assert lease(redis, "b") == 1


def test_who_saw_something_else_gets_no_lease(redis: RedisServer) -> None:
    """Broken: a reader that saw the key before a change stores what it loads after it."""
    invalidate(redis, "m", 7)
    assert lease(redis, "a") == 2, "it saw nothing, and there is a tombstone"
    assert lease(redis, "a", there(redis)) == 1
    redis.ask("DEL", NAMES[1])
    seen = there(redis)
    invalidate(redis, "n", 7)
    assert lease(redis, "a", seen) == 2, "another tombstone of the same position"
    redis.ask("SET", NAMES[0], VALUE)
    assert lease(redis, "a") == 2
    assert lease(redis, "a", VALUE) == 1


@pytest.mark.parametrize("change", ["announce", "invalidate"])
def test_a_change_takes_the_lease_away(redis: RedisServer, change: str) -> None:
    """Broken: a value that was read before a write is stored after it, for an hour."""
    lease(redis, "a")
    if change == "announce":
        announce(redis, "m")
    else:
        invalidate(redis, "m", 7)
    before = there(redis)
    assert do(redis, entries.FILL, "a", VALUE, 1000) == 0
    assert there(redis) == before


def test_a_tombstone_tells_its_position_and_ends(redis: RedisServer) -> None:
    """Broken: a load does not know what it must see, or a key is never trusted again."""
    redis.ask("SET", NAMES[0], VALUE)
    invalidate(redis, "m", 0x16B3748)
    assert there(redis) == b"!00000000016b3748m"
    assert entries.position(there(redis)) == 0x16B3748
    assert entries.TOMBSTONE_MS - 10_000 < left_ms(redis) <= entries.TOMBSTONE_MS


def test_positions_only_grow(redis: RedisServer) -> None:
    """Broken: of two writes the earlier tells Redis last, and a replica without the later one
    may fill.
    """
    for position, greatest in ((9, 9), (0xA0, 0xA0), (0x1F, 0xA0), (2**63 - 1, 2**63 - 1)):
        invalidate(redis, "m", position)
        assert entries.position(there(redis)) == greatest
    announce(redis, "n")
    assert entries.position(there(redis)) == 2**63 - 1, "nor does an announcement forget it"


def test_the_mark_of_a_write_ends_with_it(redis: RedisServer) -> None:
    """Broken: nothing is stored any more after a write, or already before its commit."""
    announce(redis, "m")
    assert entries.is_being_changed(there(redis))
    assert entries.MARK_MS - 10_000 < left_ms(redis) <= entries.MARK_MS
    invalidate(redis, "m", 7)
    assert there(redis) == b"!0000000000000007m"


def test_a_write_that_is_still_under_way_keeps_its_mark(redis: RedisServer) -> None:
    """Broken: two writes of one key, and the end of the first opens the key for old values of the
    second.
    """
    announce(redis, "first")
    announce(redis, "second")
    invalidate(redis, "first", 7)
    assert there(redis) == b"?0000000000000007second"
    assert left_ms(redis) <= entries.MARK_MS
    invalidate(redis, "second", 5)
    assert there(redis) == b"!0000000000000007second", "with the later position of both"


def test_what_is_filled_together_does_not_expire_together() -> None:
    """Broken: an hour after a start, everything is loaded again in the same second (avalanche)."""
    ttl_s, now_s = 60, time.time()
    packed = [entries.pack(b"{}", 0, ttl_s=ttl_s, absent_ttl_s=10) for _ in range(2000)]
    fresh_s = [int(entry[17:30]) / 1000 - now_s for entry, _ in packed]
    assert min(fresh_s) >= ttl_s * 0.9 - 0.1
    assert max(fresh_s) <= ttl_s * 1.1 + 20, "the time of packing included"
    assert max(Counter(int(each) for each in fresh_s).values()) <= 2000 * 0.15
    for (_, life_ms), each in zip(packed, fresh_s, strict=True):
        assert life_ms == pytest.approx(each * 1250, abs=25_000), "and a while longer, to be served"


def test_an_entry_is_read_as_it_was_packed() -> None:
    """Broken: an answer loses its first bytes, or is stale from the start."""
    entry, _ = entries.pack(b'{"id":1}', 7, ttl_s=3600, absent_ttl_s=10)
    assert entries.answer(entry) == b'{"id":1}'
    assert -0.11 <= entries.age(entry, 3600) <= 0.11
    assert entries.head(entry) == entry[:30]
    assert entries.position(entry) == 7
    absent, life_ms = entries.pack(None, 7, ttl_s=3600, absent_ttl_s=10)
    assert absent == b"-%016x" % 7
    assert 9000 <= life_ms <= 11_000, "and briefly: it may be created"
