"""What is done about each kind of job, and how it is done once.

A handler is `async (payload, job, connection, workshop) → None`. It runs inside a transaction that
also remembers the job's id, so an effect in the database happens exactly once. An effect outside
(a mail) happens before the commit: if the process dies between the two, it happens again, once for
each such death. That window is a COMMIT long.

Raising `JobFailed` means "not now, try again"; raising `JobRejected` means "never".

Nothing here may block the event loop, which keeps the connection to the broker alive: what waits
for a network goes through `asyncio.to_thread`, what computes through `workshop.processes.run`.
"""

from collections.abc import Awaitable, Callable
from typing import Any

from psycopg import AsyncConnection

from jobs import Job, WelcomeEmail
from worker.handlers import welcome_email
from worker.workshop import Workshop

type Handler = Callable[[Any, Job, AsyncConnection[Any], Workshop], Awaitable[None]]

HANDLERS: dict[str, Handler] = {
    WelcomeEmail.kind: welcome_email.send,
}

# Remember the job, or learn that it was done before. A second worker with the same job waits here
# until the first one's transaction has ended. handled_jobs_pkey.
REMEMBER = """
INSERT INTO handled_jobs (job_id, kind) VALUES (%(id)s, %(kind)s)
ON CONFLICT DO NOTHING RETURNING job_id
"""


async def do_once(job: Job, connection: AsyncConnection[Any], workshop: Workshop) -> bool:
    """Do the job inside this transaction; False when it had been done before.

    Raises:
        JobFailed: not now; the caller's transaction must be rolled back.
        JobRejected: never.
    """
    payload = job.read()
    new = await connection.execute(REMEMBER, {"id": job.id, "kind": job.kind})
    if await new.fetchone() is None:
        return False
    await HANDLERS[job.kind](payload, job, connection, workshop)
    return True
