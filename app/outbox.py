"""The outbox: work that a request causes is a row, written together with its cause.

In one statement or transaction with what caused it (`INSERT`, `values`), so that neither is ever
there without the other (microservices.io, "Transactional outbox"). After the commit:

- with a broker the relay takes the row (it listens on the channel `outbox`): nothing else to do;
- without one, the request does the job itself. If that fails, the request still succeeds: the row
  stays unsent and is delivered when there is a relay. Nothing that was accepted is lost.
"""

import asyncio
import time
import uuid

from app import logs, metrics, timing
from app.database import Database
from app.errors import Unavailable
from app.settings import Settings
from jobs import Job, JobRejected, Payload, envelope, rows
from worker import handlers
from worker.workshop import JobFailed, Workshop

INSERT = rows.INSERT
values = rows.values

# The job is done, nobody need send it. outbox_pkey.
MARK_SENT = "UPDATE outbox SET sent_at = now() WHERE id = %(id)s AND sent_at IS NULL"

log = logs.get()


def new(payload: Payload, job_id: uuid.UUID | None = None) -> Job:
    """A job that the present request causes: it carries the request's id along."""
    return envelope.new(payload, job_id, request_id=timing.current().request_id)


class Outbox:
    """What a request does about its job once the job is committed."""

    def __init__(self, db: Database, workshop: Workshop, settings: Settings) -> None:
        self._db = db
        self._workshop = workshop
        self._has_relay = settings.broker_url is not None
        self._patience_s = settings.job_in_request_s
        self._hands = asyncio.Semaphore(settings.jobs_in_requests)

    async def committed(self, job: Job) -> None:
        """With a broker: nothing. Without: do the job, for at most `job_in_request_s`.

        Never fails: the cause is committed, and its answer must say so. `Server-Timing` tells what
        became of the job.
        """
        told = timing.current()
        if self._has_relay:
            told.job = f"{job.kind} queued"
            return
        started = time.perf_counter()
        try:
            async with asyncio.timeout(self._patience_s), self._hands:
                await self._do(job)
        except (JobFailed, JobRejected, Unavailable, TimeoutError) as error:
            metrics.jobs.labels(job.kind, "request", "failed").inc()
            told.job = f"{job.kind} left"
            log.warning("job_left_in_outbox", job=str(job.id), kind=job.kind, error=repr(error))
        else:
            told.job = f"{job.kind} done"
            metrics.jobs.labels(job.kind, "request", "done").inc()
        metrics.job_duration.labels(job.kind, "request").observe(time.perf_counter() - started)

    def close(self) -> None:
        """End what computes for jobs."""
        self._workshop.processes.close()

    async def _do(self, job: Job) -> None:
        """Do the job and those that follow from it, each in a transaction of its own."""
        next_one: Job | None = job
        while next_one:
            async with self._db.transaction() as connection:
                # One transaction: whoever finds the row unsent later finds the job handled, or not.
                done = await handlers.do_once(next_one, connection, self._workshop)
                await connection.execute(MARK_SENT, {"id": next_one.id})
            await handlers.tell_cache(next_one, self._workshop)
            next_one = done.follows
