"""The consumer: takes jobs from the broker, has them done, and says what became of each.

One place acknowledges (`_settle`), and only after the work is committed. What a job's end means:

| end                     | to the broker                    | what follows                    |
|-------------------------|----------------------------------|---------------------------------|
| done, or done before    | acknowledged                     | the message is gone             |
| failed, tries left      | given back after a growing delay | it is delivered again           |
| failed, no tries left   | refused                          | it waits among the dead letters |
| not a job we understand | refused                          | it waits among the dead letters |
| this process dies       | nothing                          | it is delivered again           |
"""

import asyncio
import time
from typing import Any, Literal

import pika

from app import logs, metrics
from app.database import Database
from app.errors import Unavailable
from app.settings import Settings
from jobs import Job, JobRejected, envelope
from worker import broker, handlers, retry, topology
from worker.broker import BrokerGone, Link
from worker.process import Process
from worker.workshop import JobFailed, Workshop

type End = Literal["done", "duplicate", "failed", "dead"]

_RETRY_MOST_S = 120.0

log = logs.get()


class Consumer:
    """Works through the queues, over as many connections as it takes."""

    def __init__(self, process: Process, settings: Settings, db: Database, means: Workshop) -> None:
        self._process = process
        self._settings = settings
        self._db = db
        self._workshop = means
        self._in_hand: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Consume until told to stop, then finish what is in hand."""
        failures = 0
        while not self._process.stopping.is_set():
            self._process.pulse.beat()
            try:
                url = str(self._settings.broker_url)
                async with broker.connect(url, self._process.name) as link:
                    await topology.declare(link)
                    failures = 0
                    await self._consume(link)
            except (BrokerGone, OSError, TimeoutError) as error:
                # Nothing is lost: what was not acknowledged is delivered again.
                failures += 1
                delay_s = retry.delay_s(failures, first_s=0.2, most_s=5)
                log.warning("worker_interrupted", error=repr(error)[:300], again_in_s=delay_s)
                await self._process.pause(delay_s)

    async def _consume(self, link: Link) -> None:
        # As many as can be worked on at a time: more would wait here instead of in a worker that is
        # free; the broker counts them as delivered.
        await link.call("basic_qos", prefetch_count=self._settings.worker_prefetch)
        tags = [
            await link.consume(queue.name, lambda *message: self._take(link, *message))
            for queue in topology.QUEUES
        ]
        self._connected(now=True)
        try:
            while not self._process.stopping.is_set():
                if link.gone.done():
                    link.gone.result()
                await self._process.pause(1.0)
            # First take no more, then finish, and close the connection last: an acknowledgement
            # needs it.
            for tag in tags:
                await link.call("basic_cancel", consumer_tag=tag)
            await self._finish()
        finally:
            self._connected(now=False)

    async def _finish(self) -> None:
        if self._in_hand:
            log.info("finishing", jobs=len(self._in_hand))
            await asyncio.wait(self._in_hand, timeout=self._settings.shutdown_s)

    def _take(
        self, link: Link, delivery: int, properties: pika.BasicProperties, body: bytes
    ) -> None:
        task = asyncio.create_task(self._settle(link, delivery, properties, body))
        self._in_hand.add(task)
        metrics.worker_jobs_in_hand.set(len(self._in_hand))
        task.add_done_callback(self._put_down)

    def _put_down(self, task: asyncio.Task[None]) -> None:
        self._in_hand.discard(task)
        metrics.worker_jobs_in_hand.set(len(self._in_hand))

    async def _settle(
        self, link: Link, delivery: int, properties: pika.BasicProperties, body: bytes
    ) -> None:
        """Have the job done and tell the broker: the only place that does."""
        tries = _tries(properties)
        started = time.perf_counter()
        kind, end = await self._work(body, tries)
        metrics.jobs.labels(kind, "worker", end).inc()
        metrics.job_duration.labels(kind, "worker").observe(time.perf_counter() - started)
        if end == "failed":
            # Kept back here meanwhile. At the end of this process it goes back at once.
            first_s = self._settings.job_retry_s
            await self._process.pause(retry.delay_s(tries, first_s=first_s, most_s=_RETRY_MOST_S))
            link.refuse(delivery, again=True)
        elif end == "dead":
            link.refuse(delivery, again=False)
        else:
            link.acknowledge(delivery)

    async def _work(self, body: bytes, tries: int) -> tuple[str, End]:
        """Do the job in a message; → its kind and how it ended."""
        try:
            job = envelope.decode(body)
        except JobRejected as error:
            log.error("message_rejected", error=str(error)[:500])
            return "unknown", "dead"
        last = tries >= self._settings.job_tries
        said = {"job": str(job.id), "kind": job.kind, "tries": tries}
        try:
            end: End = "done" if await self._do(job) else "duplicate"
        except JobRejected as error:
            log.error("job_rejected", error=str(error)[:500], **said)
            end = "dead"
        except (JobFailed, Unavailable) as error:
            log.warning("job_failed", error=repr(error)[:500], last=last, **said)
            end = "dead" if last else "failed"
        except Exception:
            # The edge of the loop: a mistake in a handler must not end the others' work. The job is
            # tried again like any that failed, and ends among the dead letters.
            log.exception("job_failed", last=last, **said)
            end = "dead" if last else "failed"
        else:
            log.info("job_done" if end == "done" else "job_was_done_before", **said)
        return job.kind, end

    async def _do(self, job: Job) -> bool:
        async with self._db.transaction() as connection:
            return await handlers.do_once(job, connection, self._workshop)

    def _connected(self, *, now: bool) -> None:
        self._process.connected = now
        metrics.worker_connected.set(int(now))
        log.info("worker_connected" if now else "worker_disconnected")


def _tries(properties: pika.BasicProperties) -> int:
    """How often this message has been delivered, this time included."""
    headers: dict[str, Any] = properties.headers or {}
    return int(headers.get("x-delivery-count", 0)) + 1
