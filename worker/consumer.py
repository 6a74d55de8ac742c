"""The consumer: takes jobs from the broker, has them done, and says what became of each.

One place acknowledges (`_settle`), and only after the work is committed. What a job's end means:

| end                        | what happens                              | then to the broker |
|----------------------------|-------------------------------------------|--------------------|
| done, or done before       |                                           | acknowledged       |
| failed, tries left         | put off into a queue for later            | acknowledged       |
| failed, no tries left      | put with the dead, with its reason        | acknowledged       |
| not a job we understand    | the same, at once                         | acknowledged       |
| our database is away       | a pause; no try is counted                | given back         |
| this process ends          | what is in hand is finished, the rest not | given back         |
| this process dies          |                                           | nothing: again     |
"""

import asyncio
import time
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from app import logs, metrics
from app.database import Database
from app.errors import Unavailable
from app.settings import Settings
from jobs import Job, JobFailed, JobRejected, envelope
from worker import broker, handlers, retry, topology
from worker.broker import BrokerGone, Link, Message
from worker.process import Process
from worker.unfinished import Unfinished, tries_before
from worker.workshop import Workshop

# A job is given back after this time when it is not the job's fault: our database is away, or the
# broker does not take it for later. Its hand rests meanwhile, so that nothing spins.
_REST_S = 2.0

type End = Literal["done", "duplicate", "failed", "dead", "returned"]

log = logs.get()


@dataclass(frozen=True, slots=True)
class Verdict:
    """How a try ended: for a job that was not done, why, as a word and in full."""

    end: End
    reason: str = ""
    error: str = ""


class Consumer:
    """Works through the queues, over as many connections as it takes."""

    def __init__(self, process: Process, settings: Settings, db: Database, means: Workshop) -> None:
        self._process = process
        self._settings = settings
        self._db = db
        self._workshop = means
        self._unfinished = Unfinished(settings, process.name)
        self._shares = topology.shares(settings.worker_at_a_time)
        self._hands = {kind: asyncio.Semaphore(share) for kind, share in self._shares.items()}
        self._in_hand: set[asyncio.Task[None]] = set()
        self._taken: Counter[str] = Counter()

    async def run(self) -> None:
        """Consume until told to stop, then finish what is in hand."""
        failures = 0
        while not self._process.stopping.is_set():
            self._process.pulse.beat()
            try:
                url = str(self._settings.broker_url)
                async with broker.connect(url, self._process.name) as link:
                    await link.confirm_publishing()
                    await self._consume(link)
            except (BrokerGone, OSError, TimeoutError) as error:
                # Nothing is lost: what was not acknowledged is delivered again. A queue that is not
                # there yet is declared by the relay.
                failures = 0 if self._process.connected else failures + 1
                self._connected(now=False)
                delay_s = retry.delay_s(failures + 1, first_s=0.2, most_s=5)
                log.warning("worker_interrupted", error=repr(error)[:300], again_in_s=delay_s)
                await self._process.pause(delay_s)

    async def _consume(self, link: Link) -> None:
        tags = [await self._begin(link, kind) for kind, share in self._shares.items() if share]
        self._connected(now=True)
        while not self._process.stopping.is_set():
            if link.gone.done():
                link.gone.result()
            await self._process.pause(1.0)
        # First take no more, then finish, and close the connection last: an acknowledgement needs
        # it, and what nobody has begun goes back with it.
        for tag in tags:
            await link.call("basic_cancel", consumer_tag=tag)
        await self._finish()
        self._connected(now=False)

    async def _begin(self, link: Link, kind: str) -> str:
        """Have the jobs of a kind sent here, so many ahead of their acknowledgements."""
        ahead = self._settings.worker_prefetch.get(kind) or self._shares[kind]
        # Holds for the consumers that begin after it on this channel (per consumer, not global).
        await link.call("basic_qos", prefetch_count=ahead)
        return await link.consume(kind, lambda message: self._take(link, message))

    async def _finish(self) -> None:
        if self._in_hand:
            log.info("finishing", jobs=len(self._in_hand))
            await asyncio.wait(self._in_hand, timeout=self._settings.shutdown_s)

    def _take(self, link: Link, message: Message) -> None:
        task = asyncio.create_task(self._settle(link, message))
        self._in_hand.add(task)
        self._count(message.queue, 1)
        task.add_done_callback(self._in_hand.discard)
        task.add_done_callback(lambda _: self._count(message.queue, -1))

    def _count(self, kind: str, change: int) -> None:
        self._taken[kind] += change
        metrics.worker_jobs_in_hand.labels(kind).set(self._taken[kind])

    async def _settle(self, link: Link, message: Message) -> None:
        """Have the job done and tell the broker: the only place that does."""
        kind = message.queue
        async with self._hands[kind]:
            if self._process.stopping.is_set():
                link.give_back(message.delivery)
                return
            started = time.perf_counter()
            verdict = await self._work(message)
            metrics.job_duration.labels(kind, "worker").observe(time.perf_counter() - started)
            end = await self._send_on(link, message, verdict)
            metrics.jobs.labels(kind, "worker", end).inc()
            if end == "returned":
                await self._process.pause(_REST_S)
                link.give_back(message.delivery)
            else:
                link.acknowledge(message.delivery)

    async def _send_on(self, link: Link, message: Message, verdict: Verdict) -> End:
        """Bring what was not done to where it belongs; → the end that it is counted as."""
        sent: End | None = verdict.end
        if verdict.end == "failed":
            sent = await self._unfinished.put_off(link, message, verdict.error)
        elif verdict.end == "dead":
            sent = await self._unfinished.bury(link, message, verdict.reason, verdict.error)
        if sent == "dead":
            await self._give_up(message)
        return sent or "returned"

    async def _give_up(self, message: Message) -> None:
        try:
            async with self._db.transaction() as connection:
                await handlers.give_up(envelope.decode(message.body), connection)
        except JobRejected:
            pass  # not a job: nobody can wait for its end
        except Unavailable:
            # It is among the dead, which is seen; whoever asks is told that it waits.
            log.warning("end_not_written", kind=message.queue)

    async def _work(self, message: Message) -> Verdict:
        """Do the job in a message; → how it ended."""
        tries, began = tries_before(message) + 1, time.perf_counter()
        try:
            job = envelope.decode(message.body, message.properties.correlation_id)
        except JobRejected as error:
            log.error("message_rejected", error=str(error)[:500], reason=error.reason)
            return Verdict("dead", error.reason, str(error))
        if tries == 1:
            waited_s = (datetime.now(UTC) - job.created_at).total_seconds()
            metrics.job_wait.labels(job.kind).observe(max(0.0, waited_s))
        # In every line of this task from here on, whoever writes it.
        logs.carry(job=str(job.id), kind=job.kind, tries=tries, request_id=job.request_id)
        try:
            new = await self._do(job)
        except JobRejected as error:
            log.error("job_rejected", error=str(error)[:500])
            return Verdict("dead", error.reason, str(error))
        except Unavailable as error:
            log.warning("job_given_back", error=repr(error)[:500])
            return Verdict("returned")
        except JobFailed as error:
            log.warning("job_failed", error=str(error)[:500])
            return Verdict("failed", error=str(error))
        except Exception as error:
            # The edge of the loop: a mistake in a handler must not end the others' work. The job is
            # tried again like any that failed, and ends among the dead letters.
            log.exception("job_failed")
            return Verdict("failed", error=repr(error))
        log.info("job_done" if new else "job_was_done_before", ms=logs.ms_since(began))
        return Verdict("done" if new else "duplicate")

    async def _do(self, job: Job) -> bool:
        async with self._db.transaction() as connection:
            done = await handlers.do_once(job, connection, self._workshop)
        if not await handlers.tell_cache(job, self._workshop):
            raise JobFailed("done, but the cache could not be told")
        return done.new

    def _connected(self, *, now: bool) -> None:
        if now == self._process.connected:
            return
        self._process.connected = now
        metrics.worker_connected.set(int(now))
        log.info("worker_connected" if now else "worker_disconnected")
