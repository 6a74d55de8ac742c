"""What lies in Redis under a key, and the six scripts that change it.

| first byte | position and then          | means                                                  |
|------------|----------------------------|--------------------------------------------------------|
| `=`        | 13 digits, the answer      | an answer, fresh until this time (ms since 1970)       |
| `-`        |                            | known to be absent                                     |
| `!`        | a mark                     | a tombstone: changed                                   |
| `?`        | a mark                     | being changed right now: load, but do not fill         |

The position, 16 hexadecimal digits, is one of the primary's log (LSN, app/replicas.py): a load of
the key must have it, because somebody has been told of a change there. `KEY:lease` holds the token
of who loads the key: one in the whole cluster. Each change of a key takes the lease away, and a
fill needs it. So a value that was read before a change is never stored after it, however late it
comes ("Scaling Memcache at Facebook", NSDI 2013, 3.2.1). What a write has just made is stored by
the writer (`MADE`), unless that has been changed since. The scripts run as one (Redis: EVAL).
"""

import random
import time

# Part of every key: entries of another shape are other keys, so that two versions of this
# application can run side by side during a deploy.
SCHEMA = "v3"

# A tombstone outlives every replica that could miss the change: `db_replica_lag_max_s` and the two
# seconds until that is noticed. A mark outlives every write: its statement's timeout and a wait for
# the pool, and then the lag once more, because who died after the commit left nothing but the mark.
TOMBSTONE_MS = 30_000
MARK_MS = 15_000
# Longer than a load takes (two tries, docs/timeouts.md); if its holder dies, others load by then.
LEASE_MS = 8_000

# A value is kept for this share of its life beyond it, to be served while it is loaded anew, and is
# loaded anew by the first reader in the last tenth of it: a hot key never expires.
STALE_SHARE = 0.25
AHEAD_SHARE = 0.1

_POSITION = slice(1, 17)
_FRESH_UNTIL = slice(17, 30)
_HEAD = 30  # bytes before the answer

# May I load? 1: yes, the lease is mine. 0: somebody else does. 2: the key is not as I saw it.
# The key, its lease; what I saw of it (its beginning), my token, the life of a lease.
TAKE_LEASE = """
local now = redis.call('GET', KEYS[1]) or ''
if string.sub(now, 1, math.max(#ARGV[1], 1)) ~= ARGV[1] then return 2 end
if redis.call('SET', KEYS[2], ARGV[2], 'NX', 'PX', ARGV[3]) then return 1 end
return 0
"""

# Store what I loaded, if the lease is still mine. The key, its lease; token, entry, life.
FILL = """
if redis.call('GET', KEYS[2]) ~= ARGV[1] then return 0 end
redis.call('DEL', KEYS[2])
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
return 1
"""

# My load failed: let others try, if the lease is still mine. The lease; token.
GIVE_UP = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])
"""

# A write begins. The position of an earlier change is kept: it holds until every replica has it.
# Each key and its lease; mark, life.
ANNOUNCE = """
for i = 1, #KEYS, 2 do
    redis.call('DEL', KEYS[i + 1])
    local now = redis.call('GET', KEYS[i]) or ''
    local position = now == '' and string.rep('0', 16) or string.sub(now, 2, 17)
    redis.call('SET', KEYS[i], '?' .. position .. ARGV[1], 'PX', ARGV[2])
end
return 1
"""

_TELL = """
for i = first, #KEYS, 2 do
    redis.call('DEL', KEYS[i + 1])
    local now = redis.call('GET', KEYS[i]) or ''
    local kind = string.sub(now, 1, 1)
    local position = ARGV[2]
    local earlier = string.sub(now, 2, 17)
    if earlier > position then position = earlier end
    if kind == '?' and string.sub(now, 18) ~= ARGV[1] then
        redis.call('SET', KEYS[i], '?' .. position .. string.sub(now, 18), 'PX', ARGV[4])
    else
        redis.call('SET', KEYS[i], '!' .. position .. ARGV[1], 'PX', ARGV[3])
    end
end
return first
"""

# A write is committed. Another one that is still under way keeps its mark, with the later position.
# Each key and its lease; mark, position, life of a tombstone, life of a mark.
INVALIDATE = "local first = 1" + _TELL

# The same, and the first key is of something that this write has made: its answer is stored (3), or
# it is told as the others are (1). Whoever has changed it since did so after the announcement, and
# left under the key what lives longer than that. So while the announcement of the second key
# stands, nothing under the first, or absence, means that nothing has happened to it.
# As before; then the entry, its life.
MADE = (
    """
local first = 1
local now = redis.call('GET', KEYS[1]) or ''
local announced = redis.call('GET', KEYS[3]) or ''
local untouched = now == '' or string.sub(now, 1, 1) == '-' and string.sub(now, 2, 17) <= ARGV[2]
if untouched and string.sub(announced, 1, 1) == '?' and string.sub(announced, 18) == ARGV[1] then
    redis.call('DEL', KEYS[2])
    redis.call('SET', KEYS[1], ARGV[5], 'PX', ARGV[6])
    first = 3
end
"""
    + _TELL
)


def name_of(key: str) -> str:
    """`user:42` → the name in Redis."""
    return f"{key}:{SCHEMA}"


def lease_of(key: str) -> str:
    """`user:42` → the name of its lease."""
    return f"{key}:{SCHEMA}:lease"


def answer(entry: bytes) -> bytes:
    """What is to be sent."""
    return entry[_HEAD:]


def age(entry: bytes, ttl_s: float) -> float:
    """How much of a value's life is over: at 1 and above it is stale."""
    left_ms = int(entry[_FRESH_UNTIL]) - time.time() * 1000
    return 1.0 - left_ms / (ttl_s * 1000)


def head(entry: bytes | None) -> bytes:
    """By what an entry is recognised again; of none: nothing."""
    if entry is None:
        return b""
    return entry[:_HEAD] if entry.startswith(b"=") else entry


def position(entry: bytes | None) -> int:
    """The position that a load must have because of this entry."""
    return int(entry[_POSITION], 16) if entry else 0


def is_being_changed(entry: bytes | None) -> bool:
    """Whether a write is under way: what is loaded now may be old in a moment."""
    return entry is not None and entry.startswith(b"?")


def pack(
    body: bytes | None, position: int, *, ttl_s: float, absent_ttl_s: float, jitter: float
) -> tuple[bytes, int]:
    """An entry with what was loaded at this position, and its life in milliseconds.

    The life is changed by chance, by at most the share `jitter` of it: what was filled together
    does not expire together.
    """
    dice = random.uniform(1 - jitter, 1 + jitter)
    if body is None:
        return b"-%016x" % position, int(absent_ttl_s * 1000 * dice)
    life_ms = ttl_s * 1000 * dice
    fresh_until_ms = int(time.time() * 1000 + life_ms)
    head = b"=%016x%013d" % (position, fresh_until_ms)
    return head + body, int(life_ms * (1 + STALE_SHARE))


def hexadecimal(position: int) -> str:
    """A position as it stands in an entry: comparable as text."""
    return f"{position:016x}"
