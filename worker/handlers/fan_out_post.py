"""Tell those who follow an author of a new post: rows in their inboxes.

One job tells `CHUNK` of them, in the order of their ids, and is followed by the job for the next
ones, written in the same transaction. So no transaction is long, however many follow; killed
anywhere, it goes on where it stopped; and other authors' posts are told about in between.

Who begins to follow meanwhile may be told or not.
"""

from typing import Any

from psycopg import AsyncConnection

from jobs import FanOutPost, Job
from worker.workshop import Workshop

CHUNK = 1000  # rows of one transaction: tens of milliseconds of the primary

# The next followers are told; how many, and who was the last one. The walk is follows_pkey's; who
# has been told of this post is known by notifications_post_id_member_id_key. Nothing is left to
# tell when the post is gone: posts_pkey.
TELL = """
WITH next AS (
         SELECT follower_id FROM follows
         WHERE author_id = %(author_id)s AND follower_id > %(after)s
         ORDER BY follower_id LIMIT %(chunk)s
     ),
     told AS (
         INSERT INTO notifications (member_id, kind, post_id)
         SELECT next.follower_id, 'new_post', posts.id
         FROM next JOIN posts ON posts.id = %(post_id)s
         ORDER BY next.follower_id
         ON CONFLICT DO NOTHING
     )
SELECT count(*) AS followers, max(follower_id) AS last FROM next
"""


async def tell(
    payload: FanOutPost, _job: Job, connection: AsyncConnection[Any], _workshop: Workshop
) -> FanOutPost | None:
    """Tell the next followers; → what is left to do."""
    values = {**payload.model_dump(), "chunk": CHUNK}
    told = await (await connection.execute(TELL, values)).fetchone()
    assert told is not None
    if told.followers < CHUNK:
        return None
    return payload.model_copy(update={"after": told.last})
