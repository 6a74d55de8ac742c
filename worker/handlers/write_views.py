"""Write views that were gathered: many posts in one statement."""

from typing import Any

from psycopg import AsyncConnection

from jobs import Job, WriteViews
from worker.workshop import Workshop

# Many views at once; posts_pkey. Rows are locked in the order of ids: two batches cannot deadlock.
ADD = """
WITH added AS (
         SELECT * FROM unnest(%(posts)s::bigint[], %(views)s::bigint[]) AS added (id, views)
     ),
     locked AS (
         SELECT id FROM posts WHERE id = ANY(%(posts)s::bigint[]) ORDER BY id FOR NO KEY UPDATE
     )
UPDATE posts SET views = posts.views + added.views
FROM added JOIN locked USING (id) WHERE posts.id = added.id
"""


async def write(
    payload: WriteViews, _job: Job, connection: AsyncConnection[Any], _workshop: Workshop
) -> None:
    """Add them."""
    await connection.execute(ADD, payload.model_dump())
