"""Views of posts: a hot counter.

Without a cache each view is an UPDATE on the primary: readers of one popular post queue for its
row. With one, views are gathered in Redis (`HINCRBY`) and written in batches.

A batch becomes jobs whose ids follow from its own, so it counts once however often it is tried.
With a broker they go into the outbox, and the worker writes the counts (`handlers/write_views.py`);
without one this process does, and so it does for its last batch: the worker may be leaving as well.

Promises: a view that Redis took reaches the database unless the machine of Redis dies. When Redis
does not answer in time it is unknown whether it counted: the view is then counted in the database,
perhaps a second time.
"""

import asyncio
import uuid
from typing import cast

from app import logs, metrics, outbox
from app.cache import FAILED, Cache
from app.database import Database
from app.errors import Unavailable
from app.settings import Settings
from jobs import Job, WriteViews, envelope
from jobs.payloads import VIEWS_MAX
from worker import handlers
from worker.workshop import Workshop

_GATHERED = "views:gathered"  # hash: post id → views since the last batch
_BATCHES = "views:batches"  # set: ids of batches that may not be written yet
_FLUSHING = "views:flushing"  # who flushes now; the others need not

# One view; posts_pkey.
COUNT = "UPDATE posts SET views = views + 1 WHERE id = %(id)s"

# A batch's job; there already when only Redis was not told of it.
HAND_OVER = outbox.INSERT + "ON CONFLICT DO NOTHING"

# Set the gathered views apart under the batch's name. 0 when there are none.
_SET_APART = """
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
redis.call('RENAME', KEYS[1], KEYS[2])
return redis.call('SADD', KEYS[3], ARGV[1])
"""

log = logs.get()


class Views:
    """Counts views, and writes what was gathered."""

    def __init__(self, db: Database, cache: Cache, workshop: Workshop, settings: Settings) -> None:
        self._db = db
        self._cache = cache
        self._workshop = workshop
        self._has_relay = settings.broker_url is not None
        self._gathers = settings.cache_url is not None and settings.views_batched
        self._every_s = settings.views_flush_s

    async def count(self, post_id: int) -> None:
        """Count one view. Never fails: who reads a post shall get it, counted or not."""
        if self._gathers:
            taken = await self._cache.ask("count", "HINCRBY", _GATHERED, post_id, 1)
            if taken is not FAILED:
                metrics.views_counted.labels("redis").inc()
                return
        try:
            await self._db.write(COUNT, {"id": post_id})
            metrics.views_counted.labels("primary").inc()
        except Unavailable:
            metrics.views_counted.labels("lost").inc()

    async def keep_flushing(self) -> None:
        """Write what was gathered, every `views_flush_s`, until cancelled; then once more."""
        if not self._gathers:
            return
        try:
            while True:
                await asyncio.sleep(self._every_s)
                await self.flush()
        finally:
            # Redis may be taken away right after this process: leave nothing behind in it.
            await self.flush(last=True)

    async def flush(self, *, last: bool = False) -> None:
        """Write all that is gathered, unless another replica is doing so. Failures wait."""
        lease_ms = int(self._every_s * 1000)
        mine = await self._cache.ask("flush", "SET", _FLUSHING, "1", "NX", "PX", lease_ms)
        if mine is FAILED or not (mine or last):
            return
        try:
            await self._set_apart()
            batches = await self._cache.ask("flush", "SMEMBERS", _BATCHES)
            for batch in cast("list[bytes]", batches if batches is not FAILED else []):
                await self._write(batch.decode("ascii"), here=last or not self._has_relay)
        except Unavailable:
            log.warning("views_not_written")
        except Exception:
            # The edge of the loop: whatever it is, the batch stays in Redis and is tried again.
            log.exception("views_not_written")

    async def _set_apart(self) -> None:
        batch = str(uuid.uuid7())
        names = (_GATHERED, _name(batch), _BATCHES)
        await self._cache.ask("flush", "EVAL", _SET_APART, 3, *names, batch)

    async def _write(self, batch: str, *, here: bool) -> None:
        gathered = await self._cache.ask("flush", "HGETALL", _name(batch))
        if gathered is FAILED:
            return
        pairs = iter(cast("list[bytes]", gathered))  # post id, views, post id, views, …
        views = {int(key): int(value) for key, value in zip(pairs, pairs, strict=True)}
        # All of the batch or nothing: its name in Redis goes as a whole.
        async with self._db.transaction() as connection:
            for job in _jobs(uuid.UUID(batch), views):
                if here:
                    await handlers.do_once(job, connection, self._workshop)
                else:
                    await connection.execute(HAND_OVER, outbox.values(job))
        metrics.views_written.inc(sum(views.values()))
        # After the commit: a batch that is written but not forgotten is only looked at once more.
        await self._cache.ask("flush", "DEL", _name(batch))
        await self._cache.ask("flush", "SREM", _BATCHES, batch)


def _name(batch: str) -> str:
    return f"views:batch:{batch}"


def _jobs(batch: uuid.UUID, views: dict[int, int]) -> list[Job]:
    """The batch in jobs: always the same ones, the first under the batch's own id."""
    posts = sorted(views)
    parts = [posts[first : first + VIEWS_MAX] for first in range(0, len(posts), VIEWS_MAX)]
    return [
        envelope.new(
            WriteViews(posts=part, views=[views[post] for post in part]),
            uuid.UUID(int=batch.int + number),
        )
        for number, part in enumerate(parts)
    ]
