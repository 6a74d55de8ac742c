"""What is done about each kind of job, and how it is done once.

A handler is `async (payload, job, connection, workshop) → what follows`, the payload of a next job
or None. It runs inside a transaction that also remembers the job's id, so an effect in the database
happens exactly once, and so does the next job. An effect outside (a mail) happens before the
commit: if the process dies between the two, it happens again, once for each such death. That window
is a COMMIT long.

Raising `JobFailed` means "not now, try again"; raising `JobRejected` means "never".

Nothing here may block the event loop, which keeps the connection to the broker alive: what waits
for a network goes through `asyncio.to_thread`, what computes through `workshop.processes.run`.
"""

from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

from psycopg import AsyncConnection

from jobs import FanOutPost, Job, Payload, ProcessAvatar, WelcomeEmail, WriteViews, envelope, rows
from worker.handlers import fan_out_post, process_avatar, welcome_email, write_views
from worker.workshop import Workshop

type Handler = Callable[[Any, Job, AsyncConnection[Any], Workshop], Awaitable[Payload | None]]

HANDLERS: dict[str, Handler] = {
    WelcomeEmail.kind: welcome_email.send,
    ProcessAvatar.kind: process_avatar.process,
    FanOutPost.kind: fan_out_post.tell,
    WriteViews.kind: write_views.write,
}

# What is in the cache under these keys is old once the job is committed.
_STALE: dict[str, Callable[[Any], tuple[str, ...]]] = {
    ProcessAvatar.kind: lambda payload: (f"user:{payload.member_id}",),
}

# Somebody waits for the end of the job, and is told when it is given up.
_GIVE_UP: dict[str, Callable[[Job, AsyncConnection[Any]], Awaitable[None]]] = {
    ProcessAvatar.kind: process_avatar.give_up,
}

# Remember the job, or learn that it was done before. A second worker with the same job waits here
# until the first one's transaction has ended. handled_jobs_pkey.
REMEMBER = """
INSERT INTO handled_jobs (job_id, kind) VALUES (%(id)s, %(kind)s)
ON CONFLICT DO NOTHING RETURNING job_id
"""


class Done(NamedTuple):
    """`new` is False when the job had been done before; `follows` is the job that it left to do."""

    new: bool
    follows: Job | None = None


async def do_once(job: Job, connection: AsyncConnection[Any], workshop: Workshop) -> Done:
    """Do the job inside this transaction, unless it has been done before.

    Raises:
        JobFailed: not now; the caller's transaction must be rolled back.
        JobRejected: never.
    """
    payload = job.read()
    new = await connection.execute(REMEMBER, {"id": job.id, "kind": job.kind})
    if await new.fetchone() is None:
        return Done(new=False)
    left = await HANDLERS[job.kind](payload, job, connection, workshop)
    if left is None:
        return Done(new=True)
    follows = envelope.new(left, request_id=job.request_id)
    await connection.execute(rows.INSERT, rows.values(follows))
    return Done(new=True, follows=follows)


async def tell_cache(job: Job, workshop: Workshop) -> bool:
    """After the commit: let the cache forget what the job changed. False: it could not be told.

    Also when the job had been done before: whoever did it may have died before telling.
    """
    keys = _STALE[job.kind](job.read()) if job.kind in _STALE else ()
    return not keys or workshop.cache is None or not await workshop.cache.invalidate(*keys)


async def give_up(job: Job, connection: AsyncConnection[Any]) -> None:
    """There will be no more tries: say so where somebody waits for the job's end."""
    if job.kind in _GIVE_UP:
        await _GIVE_UP[job.kind](job, connection)
