"""Cache-aside in Redis: ready-to-send bytes in, ready-to-send bytes out.

Promises (app/entries.py tells how):
- An invalidation is never undone by an older value, however late that comes, nor by a replica that
  has not seen the change. A writer that dies between its commit and the invalidation leaves a mark
  under which nothing is stored.
- One load per key in the whole cluster; without Redis one per key and process. Who finds that
  another one loads is served the value that there was, or waits for the new one, for at most
  `cache_wait_s`.
- A key that is read in the last tenth of its life is loaded anew before it expires, and nobody
  waits for that.
- What a write has just made is there for the read that follows it (`Made`).
- Redis slow or gone costs one deadline, then it is left alone for a moment (app/circuit.py). Every
  read is still answered, from the database.
"""

import asyncio
import contextvars
import secrets
import time
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Literal, NamedTuple

from app import entries, logs, metrics, timing
from app.circuit import Circuit
from app.database import PRIMARY
from app.debts import Debts, name_in_redis
from app.errors import Unavailable
from app.redis_line import RedisLine, Refused, Silent, Word
from app.settings import Settings

type Result = Literal[
    "hit", "stale", "negative", "miss", "wait", "fenced", "bypass", "error", "off"
]
# Loads the answer as it is at a position or later; None when there is nothing.
type Load = Callable[[int], Coroutine[Any, Any, bytes | None]]

_TELL_EVERY_S = 0.25
_LOOK_AGAIN_S = (0.005, 0.01, 0.02, 0.04)  # who waits looks again after these, then after the last

FAILED = object()
_NO_REDIS = b"no Redis"  # in place of what a reader saw of a key
# What `Server-Timing` says: whether Redis had the answer, not how it came to have it.
_TOLD: dict[Result, str] = {
    "hit": "hit",
    "negative": "hit",
    "stale": "stale",
    "miss": "miss",
    "wait": "miss",
    "fenced": "miss",
    "bypass": "bypass",
    "error": "error",
    "off": "off",
}

log = logs.get()


class Made(NamedTuple):
    """What a write has made, under which key, and for how long it may be kept.

    The body must be what a load would find now, byte for byte.
    """

    key: str
    body: bytes
    ttl_s: float


class _Flight(NamedTuple):
    """A load that is under way in this process."""

    after: int
    task: asyncio.Task[bytes | None]


class Cache:
    """Reads through Redis. With `client=None` everything is loaded: there is no cache."""

    def __init__(self, client: RedisLine | None, settings: Settings) -> None:
        self._client = client
        self._absent_ttl_s = settings.cache_absent_ttl_s
        self._ttl_jitter = settings.cache_ttl_jitter
        self._one_loader = settings.cache_one_loader
        self._wait_s = settings.cache_wait_s
        self._circuit = Circuit(settings.cache_pause_s)
        self._flights: dict[tuple[str, bytes], _Flight] = {}
        self._refreshes: dict[str, asyncio.Task[None]] = {}
        self._debts = Debts()
        self._settled_ttl_s = settings.own_writes_untold_s

    async def get(
        self, key: str, load: Load, *, ttl_s: float, after: int = 0, bypass: bool = False
    ) -> bytes | None:
        """The answer under this key, or None when there is nothing.

        `after` is the position that a load must have, should one be needed. `bypass` leaves Redis
        out: whoever asks knows that it was not told of a write of theirs.
        Raises what `load` raises.
        """
        if self._client is None:
            self._record(key, "off")
            return await load(after)
        found = FAILED if bypass else await self.ask("get", "GET", entries.name_of(key))
        if found is FAILED:
            # What Redis could not be told of was written here: let the load have that as well.
            after = max(after, self._debts.position(key))
            result: Result = "bypass" if bypass else "error"
            return await self._fly(key, _NO_REDIS, load(after), after, result)
        assert found is None or isinstance(found, bytes)
        if found is not None and found.startswith(b"="):
            age = entries.age(found, ttl_s)
            if age > 1 - entries.AHEAD_SHARE:
                self._refresh(key, found, load, ttl_s, after)
            self._record(key, "hit" if age < 1 else "stale")
            return entries.answer(found)
        if found is not None and found.startswith(b"-"):
            self._record(key, "negative")
            return None
        return await self._load_once(key, found, load, ttl_s, after)

    async def announce(self, *keys: str) -> str:
        """A write of what is under these keys begins: nothing is stored there until it has ended.

        The mark that is returned belongs to its `invalidate`. Without Redis the write goes on.
        """
        mark = secrets.token_hex(8)
        if self._client is not None:
            names = _names(keys)
            values = (mark, entries.MARK_MS)
            await self.ask("announce", "EVAL", entries.ANNOUNCE, len(names), *names, *values)
        return mark

    async def invalidate(
        self, *keys: str, position: int = PRIMARY, mark: str = "", made: Made | None = None
    ) -> str:
        """Make the next reads of these keys see what was committed at this position.

        `made` is stored at once, if the announcement of the first of `keys` still stands, and if
        nobody has changed it since; else it is one more key to be invalidated.
        What is returned is empty, or a receipt: Redis did not take it, and is told as soon as it
        answers again (`is_settled`).
        """
        if self._client is None or await self._tell(keys, position, mark, made):
            return ""
        receipt = self._debts.add((*keys, made.key) if made else keys, position, mark)
        metrics.cache_owed_invalidations.set(len(self._debts.owed))
        return receipt

    async def is_settled(self, receipt: str) -> bool:
        """Whether Redis was told of what this is the receipt for, by whichever process."""
        if not self._debts.is_settled(receipt):
            name = receipt.partition(".")[0]
            number = await self.ask("settled", "GET", name_in_redis(name))
            if isinstance(number, bytes):
                self._debts.settled(name, int(number))
        return self._debts.is_settled(receipt)

    async def ask(self, command: str, *words: Word) -> object:
        """What Redis answers, or `FAILED`: not there, left alone, or not within the deadline."""
        if self._client is None or not self._circuit.admits():
            return FAILED
        began = time.perf_counter()
        try:
            answer = await self._client.ask(*words)
        except (Silent, Refused) as error:
            metrics.cache_failures.labels(command).inc()
            # A Redis that refuses (memory is full, a script fails) is there and answers others.
            if isinstance(error, Silent) and self._circuit.failed():
                log.warning("cache_paused", command=command, error=str(error)[:200])
                metrics.cache_paused.set(1)
            return FAILED
        finally:
            timing.current().asked_redis((time.perf_counter() - began) * 1000)
        if self._circuit.succeeded():
            metrics.cache_paused.set(0)
            log.info("cache_resumed")
        return answer

    async def keep_telling(self) -> None:
        """Tell Redis what it is owed as soon as it answers, until cancelled."""
        while True:
            await asyncio.sleep(_TELL_EVERY_S)
            for key, owed in list(self._debts.owed.items()):
                if not await self._tell((key,), owed.position, owed.mark):
                    break
                self._debts.told(key, owed)
                metrics.cache_owed_invalidations.set(len(self._debts.owed))
            if number := self._debts.to_be_said():
                name = self._debts.name
                said = (name_in_redis(name), number, "EX", self._settled_ttl_s)
                if await self.ask("settled", "SET", *said) is not FAILED:
                    self._debts.settled(name, number)

    async def close(self) -> None:
        """Let go of Redis."""
        for task in self._refreshes.values():
            task.cancel()
        if self._client is not None:
            await self._client.close()

    async def _load_once(
        self, key: str, seen: bytes | None, load: Load, ttl_s: float, after: int
    ) -> bytes | None:
        """Load and store, or wait for the one who is doing so."""
        after = max(after, entries.position(seen))
        work = self._load(key, seen, load, ttl_s, after)
        return await self._fly(key, seen or b"", work, after, "fenced" if seen else "miss")

    async def _fly(
        self,
        key: str,
        seen: bytes,
        work: Coroutine[Any, Any, bytes | None],
        after: int,
        result: Result,
    ) -> bytes | None:
        """Do this work, or join whoever in this process does the same.

        Who saw another state of the key than the load that is under way does not join it: that
        load may have begun before the change.
        """
        if not self._one_loader:
            self._record(key, result)
            return await work
        flight = self._flights.get((key, seen))
        if flight is not None and flight.after >= after:
            work.close()
            self._record(key, "wait" if result != "error" else result)
            return await asyncio.shield(flight.task)
        # A task of its own: if this request is given up, the others still get their answer.
        task = asyncio.create_task(work)
        if flight is None:
            self._flights[key, seen] = _Flight(after, task)
            task.add_done_callback(lambda done: self._landed(key, seen, done))
        self._record(key, result)
        return await asyncio.shield(task)

    def _landed(self, key: str, seen: bytes, task: asyncio.Task[bytes | None]) -> None:
        del self._flights[key, seen]
        if not task.cancelled():
            task.exception()  # seen: whoever waited was told, and perhaps nobody waits any more

    async def _load(
        self, key: str, seen: bytes | None, load: Load, ttl_s: float, after: int
    ) -> bytes | None:
        token = secrets.token_hex(8)
        leave: object = None
        if not entries.is_being_changed(seen):
            leave = await self._take_lease(key, seen, token)
        if leave == _MINE:
            try:
                body = await load(after)
            except Exception:
                # Who comes next may try at once, instead of waiting for nothing.
                await self.ask("lease", "EVAL", entries.GIVE_UP, 1, entries.lease_of(key), token)
                raise
            await self._fill(key, token, body, after, ttl_s)
            return body
        if leave in (_TAKEN, _CHANGED) and self._one_loader:
            entry = await self._wait_for(key, seen)
            if entry is not None and entry.startswith((b"=", b"-")):
                return entries.answer(entry) if entry.startswith(b"=") else None
            after = max(after, entries.position(entry))
        return await load(after)

    async def _take_lease(self, key: str, seen: bytes | None, token: str) -> object:
        names = (entries.name_of(key), entries.lease_of(key))
        values = (entries.head(seen), token, entries.LEASE_MS)
        return await self.ask("lease", "EVAL", entries.TAKE_LEASE, 2, *names, *values)

    async def _fill(
        self, key: str, token: str, body: bytes | None, position: int, ttl_s: float
    ) -> None:
        if body is None and not self._absent_ttl_s:
            await self.ask("lease", "EVAL", entries.GIVE_UP, 1, entries.lease_of(key), token)
            return
        entry, life_ms = self._pack(body, position, ttl_s)
        names = (entries.name_of(key), entries.lease_of(key))
        done = await self.ask("fill", "EVAL", entries.FILL, 2, *names, token, entry, life_ms)
        outcome = "stored" if done == 1 else "failed" if done is FAILED else "refused"
        metrics.cache_fills.labels(_family(key), outcome).inc()

    def _pack(self, body: bytes | None, position: int, ttl_s: float) -> tuple[bytes, int]:
        absent_ttl_s, jitter = self._absent_ttl_s, self._ttl_jitter
        return entries.pack(body, position, ttl_s=ttl_s, absent_ttl_s=absent_ttl_s, jitter=jitter)

    async def _wait_for(self, key: str, seen: bytes | None) -> bytes | None:
        """What another process stores under the key; what is there when patience ends."""
        until = asyncio.get_running_loop().time() + self._wait_s
        pauses = iter(_LOOK_AGAIN_S)
        pause_s = 0.0
        while asyncio.get_running_loop().time() < until:
            pause_s = next(pauses, pause_s)
            await asyncio.sleep(pause_s)
            entry = await self.ask("wait", "GET", entries.name_of(key))
            if entry is FAILED:
                return None
            if isinstance(entry, bytes) and entry != seen:
                return entry
        return seen

    def _refresh(self, key: str, seen: bytes, load: Load, ttl_s: float, after: int) -> None:
        """Load a value anew behind the back of who reads it; one process does."""
        if key not in self._refreshes:
            # An empty context: this is nobody's request.
            task = asyncio.create_task(
                self._load_ahead(key, seen, load, ttl_s, after), context=contextvars.Context()
            )
            self._refreshes[key] = task
            task.add_done_callback(lambda _: self._refreshes.pop(key, None))

    async def _load_ahead(
        self, key: str, seen: bytes, load: Load, ttl_s: float, after: int
    ) -> None:
        token = secrets.token_hex(8)
        outcome = "left"
        if await self._take_lease(key, seen, token) == _MINE:
            try:
                position = max(after, entries.position(seen))
                await self._fill(key, token, await load(position), position, ttl_s)
                outcome = "done"
            except Unavailable:
                # The lease runs out by itself: until then nobody tries, and the old value serves.
                outcome = "failed"
        metrics.cache_refreshes.labels(_family(key), outcome).inc()

    async def _tell(
        self, keys: Sequence[str], position: int, mark: str = "", made: Made | None = None
    ) -> bool:
        values: tuple[Word, ...] = (mark or secrets.token_hex(8), entries.hexadecimal(position))
        values += (entries.TOMBSTONE_MS, entries.MARK_MS)
        script = entries.INVALIDATE
        if made:
            keys = (made.key, *keys)
            script = entries.MADE
            values += self._pack(made.body, position, made.ttl_s)
        names = _names(keys)
        done = await self.ask("invalidate", "EVAL", script, len(names), *names, *values)
        if made:
            outcome = "made" if done == _STORED else "failed" if done is FAILED else "refused"
            metrics.cache_fills.labels(_family(made.key), outcome).inc()
        return done is not FAILED

    def _record(self, key: str, result: Result) -> None:
        timing.current().cache = _TOLD[result]
        metrics.cache_reads.count(_family(key), result)


_MINE, _TAKEN, _CHANGED = 1, 0, 2
_STORED = 3


def _family(key: str) -> str:
    return key.partition(":")[0]


def _names(keys: Sequence[str]) -> list[str]:
    """Each key and its lease, as the scripts take them."""
    return [name for key in keys for name in (entries.name_of(key), entries.lease_of(key))]


def connect(settings: Settings) -> RedisLine | None:
    """A line to `CACHE_URL`, or None. Connects when first used."""
    if settings.cache_url is None:
        return None
    return RedisLine(str(settings.cache_url), timeout_s=settings.cache_timeout_s)
