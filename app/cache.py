"""Cache-aside in Redis: ready-to-send bytes in, ready-to-send bytes out.

A key holds one of three things, told apart by the first byte: the answer (a JSON object, so `{`),
`-` for "known to be absent", or `!` and a random mark: a tombstone, "just changed".

Promises:
- An invalidation is never undone by an older value. A writer puts a tombstone after its commit.
  A reader that found nothing fills with SET NX, which a tombstone refuses. A reader that found a
  tombstone loads from the primary and replaces exactly this tombstone: a newer one refuses it.
  (Leases of "Scaling Memcache at Facebook", NSDI 2013, section 3.2.1, without a server change.)
- One load per key and process at a time, the others wait for it.
- Redis slow or gone costs one deadline, then Redis is left alone for a moment. Every read is
  still answered, from the database.

Known limit: a tombstone lives `_TOMBSTONE_S`. A read that takes longer from its miss to its fill,
or a replica that lags more, could fill an old value; both are bounded far below by their timeouts.
"""

import asyncio
import random
import secrets
import time
from collections.abc import Awaitable, Callable
from typing import Literal, Protocol

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError

from app import logs, metrics, timing
from app.circuit import Circuit
from app.settings import Settings

type Result = Literal["hit", "negative", "miss", "wait", "fenced", "bypass", "error", "off"]

_ABSENT = b"-"
_TOMBSTONE = b"!"
_TOMBSTONE_S = 30
_OWED_MAX = 10_000  # keys whose invalidation is remembered while Redis is away

_REPLACE_TOMBSTONE = """
if redis.call('GET', KEYS[1]) == ARGV[1] then
    return redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
end
"""

log = logs.get()


class Load(Protocol):
    """Loads the answer, from the primary if told so; None when there is nothing."""

    def __call__(self, *, primary: bool) -> Awaitable[bytes | None]:
        """Raises what the database raises."""


class Cache:
    """Reads through Redis. With `client=None` everything is loaded: there is no cache."""

    def __init__(self, client: Redis | None, settings: Settings) -> None:
        self._client = client
        self._deadline_s = settings.cache_timeout_s
        self._absent_ttl_s = settings.cache_absent_ttl_s
        self._circuit = Circuit(settings.cache_pause_s)
        self._flights: dict[tuple[str, bytes | None], asyncio.Task[bytes | None]] = {}
        self._owed: set[str] = set()

    async def get(
        self, key: str, load: Load, *, ttl_s: int, primary: bool = False, bypass: bool = False
    ) -> bytes | None:
        """The answer under this key, or None when there is nothing.

        `primary` asks for a load from the primary, should one be needed. `bypass` leaves Redis
        out: whoever asks knows that it was not told of a write of theirs.
        Raises what `load` raises.
        """
        if self._client is None:
            return await self._answer(key, "off", load(primary=primary))
        if self._owed:
            await self._tell(set())
        found = FAILED if bypass else await self.ask("get", lambda redis: redis.get(key))
        if found is FAILED:
            # Whoever asks may have written what Redis could not be told: let the primary answer.
            answer = load(primary=primary or bypass or bool(self._owed))
            return await self._answer(key, "bypass" if bypass else "error", answer)
        if found is None:
            return await self._load_once(key, None, load, ttl_s, primary=primary)
        assert isinstance(found, bytes)
        if found.startswith(_TOMBSTONE):
            return await self._load_once(key, found, load, ttl_s, primary=True)
        if found == _ABSENT:
            self._record(key, "negative")
            return None
        self._record(key, "hit")
        return found

    async def invalidate(self, *keys: str) -> bool:
        """Make the next reads of these keys see what was committed before this call.

        False when Redis did not take it; it is then told before this process reads from it again.
        """
        return self._client is None or await self._tell(set(keys))

    async def ask(self, command: str, question: Callable[[Redis], Awaitable[object]]) -> object:
        """What Redis answers, or `FAILED`: not there, left alone, or not within the deadline."""
        if self._client is None or not self._circuit.admits():
            return FAILED
        started = time.perf_counter()
        try:
            async with asyncio.timeout(self._deadline_s):
                answer = await question(self._client)
        except (RedisError, TimeoutError, OSError) as error:
            metrics.cache_failures.labels(command).inc()
            metrics.cache_paused.set(1)
            if self._circuit.failed():
                log.warning("cache_paused", command=command, error=repr(error)[:200])
            return FAILED
        finally:
            timing.current().asked_redis((time.perf_counter() - started) * 1000)
        if self._circuit.succeeded():
            metrics.cache_paused.set(0)
            log.info("cache_resumed")
        return answer

    async def close(self) -> None:
        """Let go of Redis."""
        if self._client is not None:
            await self._client.aclose()

    async def _load_once(
        self, key: str, tombstone: bytes | None, load: Load, ttl_s: int, *, primary: bool
    ) -> bytes | None:
        """Load and fill, or wait for the request that is doing so.

        Who loads because of a tombstone is not joined by who saw none, nor the other way round.
        """
        flight = self._flights.get((key, tombstone))
        if flight is not None:
            return await self._answer(key, "wait", asyncio.shield(flight))

        def landed(task: asyncio.Task[bytes | None]) -> None:
            del self._flights[key, tombstone]
            if not task.cancelled():
                task.exception()  # seen: whoever waited was told, and perhaps nobody waits any more

        # A task of its own: if this request is given up, the others still get their answer.
        flight = asyncio.create_task(
            self._load_and_fill(key, tombstone, load, ttl_s, primary=primary)
        )
        self._flights[key, tombstone] = flight
        flight.add_done_callback(landed)
        return await self._answer(key, "fenced" if tombstone else "miss", asyncio.shield(flight))

    async def _load_and_fill(
        self, key: str, tombstone: bytes | None, load: Load, ttl_s: int, *, primary: bool
    ) -> bytes | None:
        value = await load(primary=primary)
        content = _ABSENT if value is None else value
        # ± 10 %: keys that were filled together do not expire together.
        kept_s = self._absent_ttl_s if value is None else ttl_s
        ttl_ms = int(kept_s * random.uniform(900, 1100))
        if tombstone is None:
            await self.ask("fill", lambda redis: redis.set(key, content, nx=True, px=ttl_ms))
        else:
            script, values = _REPLACE_TOMBSTONE, (key, tombstone, content, str(ttl_ms))
            await self.ask("fill", lambda redis: redis.eval(script, 1, *values))
        return value

    async def _tell(self, keys: set[str]) -> bool:
        """Put tombstones, also the ones that could not be put before."""
        keys = keys | self._owed

        async def put(redis: Redis) -> object:
            pipeline = redis.pipeline(transaction=False)
            for key in keys:
                pipeline.set(key, _TOMBSTONE + secrets.token_hex(8).encode(), ex=_TOMBSTONE_S)
            return await pipeline.execute()

        if await self.ask("invalidate", put) is FAILED:
            self._owed.update(list(keys)[:_OWED_MAX])
        else:
            self._owed -= keys
        metrics.cache_owed_invalidations.set(len(self._owed))
        return not keys & self._owed

    async def _answer(
        self, key: str, result: Result, answer: Awaitable[bytes | None]
    ) -> bytes | None:
        self._record(key, result)
        return await answer

    def _record(self, key: str, result: Result) -> None:
        timing.current().cache = _TOLD.get(result, result)
        metrics.cache_reads.labels(key.partition(":")[0], result).inc()


FAILED = object()
# What `Server-Timing` says: whether Redis had the answer, not how it came to have it.
_TOLD = {"negative": "hit", "wait": "miss", "fenced": "miss"}


def connect(settings: Settings) -> Redis | None:
    """A client for `CACHE_URL`, or None. Connects when first used."""
    if settings.cache_url is None:
        return None
    client: Redis = Redis.from_url(
        str(settings.cache_url),
        max_connections=64,
        socket_connect_timeout=settings.cache_timeout_s,
        socket_keepalive=True,
        # A connection that broke while it was idle is replaced at once; a slow answer is not asked
        # for twice: the deadline is for both tries together.
        retry=Retry(NoBackoff(), 1, supported_errors=(RedisConnectionError,)),
    )
    return client
