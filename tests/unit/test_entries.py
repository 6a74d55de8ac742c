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


def made(redis: RedisServer, mark: str, position: int, announced: str = "user:7") -> int:
    """End a write that made what is under the key."""
    lives = (entries.TOMBSTONE_MS, entries.MARK_MS, VALUE, 1000)
    names = (*NAMES, entries.name_of(announced), entries.lease_of(announced))
    answer = redis.ask("EVAL", entries.MADE, 4, *names, mark, entries.hexadecimal(position), *lives)
    assert isinstance(answer, int), answer
    return answer


def announce_other(redis: RedisServer, mark: str, key: str = "user:7") -> None:
    """Begin a write that makes something whose key nobody knows yet."""
    names = (entries.name_of(key), entries.lease_of(key))
    redis.ask("EVAL", entries.ANNOUNCE, 2, *names, mark, entries.MARK_MS)


def other(redis: RedisServer) -> bytes | None:
    """What lies under the key that such a write announced."""
    found: bytes | None = redis.ask("GET", entries.name_of("user:7"))
    return found


@pytest.mark.parametrize("before", [None, b"-0000000000000007"])
def test_what_a_write_made_is_stored_by_its_writer(
    redis: RedisServer, before: bytes | None
) -> None:
    """Broken: who has just written waits for the database to tell what was written."""
    if before:
        redis.ask("SET", NAMES[0], before)  # somebody had asked for it already
    announce_other(redis, "m")
    lease(redis, "a reader of nothing", before)
    assert made(redis, "m", 7) == 3
    assert there(redis) == VALUE
    assert 0 < left_ms(redis) <= 1000
    assert other(redis) == b"!0000000000000007m", "what was announced is told as ever"
    assert do(redis, entries.FILL, "a reader of nothing", b"-", 1000) == 0


@pytest.mark.parametrize("change", ["under way", "over", "read again", "absent later"])
def test_what_a_write_made_does_not_hide_what_came_after(redis: RedisServer, change: str) -> None:
    """Broken: a new member's first change is undone by the slow end of the sign-up."""
    announce_other(redis, "m")
    if change == "under way":
        announce(redis, "n")
    elif change == "over":
        invalidate(redis, "n", 9)
    elif change == "read again":
        redis.ask("SET", NAMES[0], b"=%016x%013d{}" % (9, 4_000_000_000_000))
    else:
        redis.ask("SET", NAMES[0], b"-%016x" % 9)
    assert made(redis, "m", 7) == 1
    kind, mark = ("?", "n") if change == "under way" else ("!", "m")
    position = 7 if change == "under way" else 9
    assert there(redis) == f"{kind}{position:016x}{mark}".encode()


@pytest.mark.parametrize("lost", ["over", "another's", "ended"])
def test_who_announced_too_long_ago_stores_nothing(redis: RedisServer, lost: str) -> None:
    """Broken: a process stands still for a minute, and then stores what was changed meanwhile."""
    if lost != "over":
        announce_other(redis, "m")
    if lost == "another's":
        announce_other(redis, "n")
    elif lost == "ended":
        made(redis, "m", 7)
        redis.ask("DEL", NAMES[0])
    assert made(redis, "m", 7) == 1
    assert there(redis) == b"!0000000000000007m"


def test_several_keys_are_told_at_once(redis: RedisServer) -> None:
    """Broken: of the keys that a write changes only the first is announced, or invalidated."""
    names = (*NAMES, entries.name_of("user:7"), entries.lease_of("user:7"))
    lives = (entries.TOMBSTONE_MS, entries.MARK_MS)
    redis.ask("EVAL", entries.ANNOUNCE, 4, *names, "m", entries.MARK_MS)
    assert there(redis) == other(redis) == b"?0000000000000000m"
    redis.ask("EVAL", entries.INVALIDATE, 4, *names, "m", entries.hexadecimal(7), *lives)
    assert there(redis) == other(redis) == b"!0000000000000007m"


def test_what_is_filled_together_does_not_expire_together() -> None:
    """Broken: an hour after a start, everything is loaded again in the same second (avalanche)."""
    ttl_s, now_s = 60, time.time()
    packed = [entries.pack(b"{}", 0, ttl_s=ttl_s, absent_ttl_s=10, jitter=0.1) for _ in range(2000)]
    fresh_s = [int(entry[17:30]) / 1000 - now_s for entry, _ in packed]
    assert min(fresh_s) >= ttl_s * 0.9 - 0.1
    assert max(fresh_s) <= ttl_s * 1.1 + 20, "the time of packing included"
    assert max(Counter(int(each) for each in fresh_s).values()) <= 2000 * 0.15
    for (_, life_ms), each in zip(packed, fresh_s, strict=True):
        assert life_ms == pytest.approx(each * 1250, abs=25_000), "and a while longer, to be served"


def test_without_jitter_a_life_is_as_long_as_it_was_said() -> None:
    """Broken: `make ablate-ttl-jitter` compares jitter with jitter."""
    lives = {"ttl_s": 60, "absent_ttl_s": 10, "jitter": 0}
    assert {entries.pack(b"{}", 0, **lives)[1] for _ in range(100)} == {75_000}
    assert {entries.pack(None, 0, **lives)[1] for _ in range(100)} == {10_000}


def test_an_entry_is_read_as_it_was_packed() -> None:
    """Broken: an answer loses its first bytes, or is stale from the start."""
    entry, _ = entries.pack(b'{"id":1}', 7, ttl_s=3600, absent_ttl_s=10, jitter=0.1)
    assert entries.answer(entry) == b'{"id":1}'
    assert -0.11 <= entries.age(entry, 3600) <= 0.11
    assert entries.head(entry) == entry[:30]
    assert entries.position(entry) == 7
    absent, life_ms = entries.pack(None, 7, ttl_s=3600, absent_ttl_s=10, jitter=0.1)
    assert absent == b"-%016x" % 7
    assert 9000 <= life_ms <= 11_000, "and briefly: it may be created"
