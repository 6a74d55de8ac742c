"""Views of posts: a hot counter.

Without a cache each view is an UPDATE on the primary: readers of one popular post queue for its
row. With one, views are gathered in Redis (`HINCRBY`) and written in batches.

A batch is written once however often it is tried: its id goes into `handled_jobs` in the
transaction that writes the counts. Promises: a view that Redis took reaches the database unless
Redis loses its memory. When Redis does not answer in time it is unknown whether it counted: the
view is then counted in the database, perhaps a second time.
"""

import asyncio
import uuid
from typing import Any, cast

from app import logs, metrics
from app.cache import FAILED, Cache
from app.database import Database
from app.errors import Unavailable
from app.settings import Settings

_GATHERED = "views:gathered"  # hash: post id → views since the last batch
_BATCHES = "views:batches"  # set: ids of batches that may not be written yet
_FLUSHING = "views:flushing"  # who flushes now; the others need not
_BATCH_MAX = 1000  # posts in one UPDATE

# One view; posts_pkey.
COUNT = "UPDATE posts SET views = views + 1 WHERE id = %(id)s"

# Remember the batch, or learn that it was written before. handled_jobs_pkey.
REMEMBER = """
INSERT INTO handled_jobs (job_id, kind) VALUES (%(id)s, 'views')
ON CONFLICT DO NOTHING RETURNING job_id
"""

# Many views at once; posts_pkey. Rows are locked in the order of ids: two batches cannot deadlock.
ADD = """
WITH added AS (SELECT * FROM unnest(%(ids)s::bigint[], %(views)s::bigint[]) AS added (id, views)),
     locked AS (
         SELECT id FROM posts WHERE id = ANY(%(ids)s::bigint[]) ORDER BY id FOR NO KEY UPDATE
     )
UPDATE posts SET views = posts.views + added.views
FROM added JOIN locked USING (id) WHERE posts.id = added.id
"""

# Set the gathered views apart under the batch's name. 0 when there are none.
_SET_APART = """
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
redis.call('RENAME', KEYS[1], KEYS[2])
return redis.call('SADD', KEYS[3], ARGV[1])
"""

log = logs.get()


class Views:
    """Counts views, and writes what was gathered."""

    def __init__(self, db: Database, cache: Cache, settings: Settings) -> None:
        self._db = db
        self._cache = cache
        self._gathers = settings.cache_url is not None
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
                await self._write(batch.decode("ascii"))
        except Unavailable:
            log.warning("views_not_written")
        except Exception:
            # The edge of the loop: whatever it is, the batch stays in Redis and is tried again.
            log.exception("views_not_written")

    async def _set_apart(self) -> None:
        batch = str(uuid.uuid7())
        names = (_GATHERED, _name(batch), _BATCHES)
        await self._cache.ask("flush", "EVAL", _SET_APART, 3, *names, batch)

    async def _write(self, batch: str) -> None:
        gathered = await self._cache.ask("flush", "HGETALL", _name(batch))
        if gathered is FAILED:
            return
        pairs = iter(cast("list[bytes]", gathered))  # post id, views, post id, views, …
        views = {int(key): int(value) for key, value in zip(pairs, pairs, strict=True)}
        async with self._db.transaction() as connection:
            new = await connection.execute(REMEMBER, {"id": batch})
            if await new.fetchone() is not None:
                for some in _in_parts(views):
                    await connection.execute(ADD, some)
                metrics.views_written.inc(sum(views.values()))
        # After the commit: a batch that is written but not forgotten is only looked at once more.
        await self._cache.ask("flush", "DEL", _name(batch))
        await self._cache.ask("flush", "SREM", _BATCHES, batch)


def _name(batch: str) -> str:
    return f"views:batch:{batch}"


def _in_parts(views: dict[int, int]) -> list[dict[str, Any]]:
    ids = sorted(views)
    parts = [ids[i : i + _BATCH_MAX] for i in range(0, len(ids), _BATCH_MAX)]
    return [{"ids": part, "views": [views[each] for each in part]} for part in parts]
