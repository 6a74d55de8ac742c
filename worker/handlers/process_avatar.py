"""Make a member's avatar of an upload: three squares, and the profile that shows them.

All of it is rows in the handler's transaction, so it happens once or not at all. A picture that
cannot be used is no failure of the job: it ends with a reason that its owner gets to read.
The job itself fails only for reasons of ours (no memory, no time), and is then tried again.
"""

import hashlib
from typing import Any

from psycopg import AsyncConnection

from jobs import Job, ProcessAvatar
from worker import pictures
from worker.pictures import squares
from worker.workshop import Workshop

GIVEN_UP = "The picture could not be processed. Please try another one."

# What was uploaded; NULL once it has ended. uploads_pkey.
CONTENT = "SELECT content FROM uploads WHERE job_id = %(job_id)s"

# From here on this member's uploads end one after another. users_pkey.
LOCK_MEMBER = "SELECT FROM users WHERE id = %(member_id)s FOR NO KEY UPDATE"

# It has ended so. No row when a later upload has taken its place meanwhile. uploads_pkey.
END = """
UPDATE uploads SET content = NULL, finished_at = clock_timestamp(), reason = %(reason)s
WHERE job_id = %(job_id)s AND content IS NOT NULL
RETURNING job_id
"""

# Our own failure: what was uploaded is kept, so that the job can be replayed. uploads_pkey.
GIVE_UP = """
UPDATE uploads SET finished_at = clock_timestamp(), reason = %(reason)s
WHERE job_id = %(job_id)s AND content IS NOT NULL
"""

# The same picture again makes the same rows. avatars_pkey.
KEEP = """
INSERT INTO avatars (hash, size, member_id, content)
SELECT %(hash)s, made.size, %(member_id)s, made.content
FROM unnest(%(sizes)s::int[], %(contents)s::bytea[]) AS made (size, content)
ON CONFLICT DO NOTHING
"""

# Show it, unless a later upload of the member has ended well before. Then forget the pictures
# before the last one, which a page that is open may still show, and uploads of yesterday.
# users_pkey, uploads_member_id_job_id_idx, avatars_member_id_idx.
SHOW = """
WITH before AS (SELECT avatar FROM users WHERE id = %(member_id)s),
     shown AS (
         UPDATE users SET avatar = %(hash)s, updated_at = now()
         WHERE id = %(member_id)s AND NOT EXISTS (
             SELECT FROM uploads WHERE member_id = %(member_id)s AND job_id > %(job_id)s
             AND finished_at IS NOT NULL AND reason IS NULL
         )
         RETURNING id
     ),
     forgotten AS (
         DELETE FROM uploads
         WHERE member_id = %(member_id)s AND finished_at < now() - interval '1 day'
     )
DELETE FROM avatars USING before, shown
WHERE avatars.member_id = shown.id AND avatars.hash <> %(hash)s
  AND avatars.hash IS DISTINCT FROM before.avatar
"""


async def process(
    payload: ProcessAvatar, job: Job, connection: AsyncConnection[Any], workshop: Workshop
) -> None:
    """Make the squares and show them, or say why not.

    Raises:
        JobFailed: the process that decodes died, or took too long.
    """
    about = {"job_id": job.id, "member_id": payload.member_id}
    upload = await (await connection.execute(CONTENT, about)).fetchone()
    if upload is None or upload.content is None:
        return  # a later upload has taken its place
    try:
        made = await workshop.processes.run(squares.make, bytes(upload.content))
    except (pictures.NotPicture, pictures.Unusable) as error:
        await connection.execute(END, {**about, "reason": str(error)})
        return
    # Before the end is written: two uploads of one member must not each miss the other's.
    await connection.execute(LOCK_MEMBER, about)
    ended = await connection.execute(END, {**about, "reason": None})
    if await ended.fetchone() is None:
        return
    values = {
        **about,
        "hash": name(payload.member_id, made),
        "sizes": list(made),
        "contents": list(made.values()),
    }
    await connection.execute(KEEP, values)
    await connection.execute(SHOW, values)


async def give_up(job: Job, connection: AsyncConnection[Any]) -> None:
    """Tell the owner that there will be no more tries."""
    await connection.execute(GIVE_UP, {"job_id": job.id, "reason": GIVEN_UP})


def name(member_id: int, made: dict[int, bytes]) -> str:
    """The hash that names these pictures: of this content, and of this member alone.

    So they can be removed without a look at who else has the same.
    """
    digest = hashlib.blake2b(digest_size=16, person=member_id.to_bytes(8))
    for size in sorted(made):
        digest.update(made[size])
    return digest.hexdigest()
