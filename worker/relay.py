"""The relay: `python -m worker.relay`. Takes jobs from the outbox and gives them to the broker.

Woken by NOTIFY when a job is committed; looks by itself every `_LOOK_EVERY_S` as well, because a
notification is not kept for who is away. Any number of copies may run: each locks the rows that it
sends, and the others skip them.

Promise: at least once. A row is marked as sent only after the broker has confirmed its message, in
the transaction that locks the row. If the relay dies in between, the job is sent again, and the
worker recognises it by its id.
"""

import asyncio
import time
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pika
import psycopg
from psycopg.rows import dict_row
from pydantic import ValidationError

from app import logs, metrics
from app.settings import Settings
from jobs import Job, envelope
from worker import broker, retry, topology
from worker.broker import BrokerGone, Link
from worker.process import Process, run
from worker.sweeping import Sweeping
from worker.topology import TopologyConflict

_LOOK_EVERY_S = 1.0
_CONFIRM_S = 5.0  # below the 10 s after which PostgreSQL ends a transaction that does nothing
_SET_ASIDE_S = 5.0  # how long a job that the broker did not take lets others go first
_MEASURE_EVERY_S = 5.0
_CONFLICT_S = 20.0  # below the time after which a process that does not come round is unhealthy

# The oldest jobs that nobody has sent or is sending; outbox_unsent_idx.
TAKE = """
SELECT id, kind, version, payload, created_at, request_id FROM outbox
WHERE sent_at IS NULL AND id <> ALL(%(set_aside)s)
ORDER BY id LIMIT %(limit)s FOR UPDATE SKIP LOCKED
"""

# outbox_pkey
MARK_SENT = "UPDATE outbox SET sent_at = now() WHERE id = ANY(%(ids)s)"

# How much waits, counted up to a bound; outbox_unsent_idx.
WAITING = """
SELECT count(*) AS unsent, coalesce(extract(epoch FROM now() - min(created_at)), 0) AS oldest_s
FROM (SELECT created_at FROM outbox WHERE sent_at IS NULL ORDER BY id LIMIT 10000) AS waiting
"""

log = logs.get()

type Connection = psycopg.AsyncConnection[dict[str, Any]]


async def relay(process: Process, settings: Settings) -> None:
    """Forward jobs until told to stop; whatever breaks is opened again."""
    failures = 0
    while not process.stopping.is_set():
        try:
            async with _connections(process, settings) as (connection, link):
                failures = 0
                await _Forwarding(process, settings, connection, link).run()
        except (psycopg.Error, BrokerGone, OSError, TimeoutError) as error:
            # Nothing is lost: rows that were not confirmed are still unsent.
            failures += 1
            delay_s = retry.delay_s(failures, first_s=0.2, most_s=5)
            log.warning("relay_interrupted", error=repr(error)[:300], again_in_s=delay_s)
            await process.pause(delay_s)
        except TopologyConflict as error:
            # Not for this process to repair, and no restart would: say it, and look again.
            log.error("topology_conflict", error=str(error))
            metrics.relay_conflict.set(1)
            await process.pause(_CONFLICT_S)
        else:
            metrics.relay_conflict.set(0)


@asynccontextmanager
async def _connections(
    process: Process, settings: Settings
) -> AsyncIterator[tuple[Connection, Link]]:
    process.pulse.beat()
    async with await _database(settings) as connection:
        process.pulse.beat()
        await topology.declare(str(settings.broker_url), process.name, settings)
        async with broker.connect(str(settings.broker_url), process.name) as link:
            await link.confirm_publishing()
            await connection.execute("LISTEN outbox")
            process.connected = True
            metrics.relay_connected.set(1)
            log.info("relay_connected")
            try:
                yield connection, link
            finally:
                process.connected = False
                metrics.relay_connected.set(0)


async def _database(settings: Settings) -> Connection:
    return await psycopg.AsyncConnection.connect(
        settings.primary_dsn.replace("+psycopg", "", 1),
        autocommit=True,
        row_factory=dict_row,
        connect_timeout=settings.db_connect_timeout_s,
        application_name="sluice-relay",
        options=f"-c statement_timeout={settings.db_statement_timeout_ms}",
        tcp_user_timeout=settings.db_statement_timeout_ms + 1000,
    )


class _Forwarding:
    """The work over one pair of connections."""

    def __init__(
        self, process: Process, settings: Settings, connection: Connection, link: Link
    ) -> None:
        self._process = process
        self._limit = settings.relay_batch
        self._connection = connection
        self._link = link
        self._sweeping = Sweeping(settings)
        self._set_aside: dict[uuid.UUID, float] = {}
        self._measured_at = float("-inf")

    async def run(self) -> None:
        while not self._process.stopping.is_set():
            self._process.pulse.beat()
            if self._link.gone.done():
                self._link.gone.result()
            await self._measure()
            if await self._forward() < self._limit:
                await self._sweeping.sweep(self._connection)  # not before what waits
                # Ends at the first notification; one that came meanwhile is found at once.
                async for _ in self._connection.notifies(timeout=_LOOK_EVERY_S, stop_after=1):
                    pass

    async def _forward(self) -> int:
        """Send one batch; → how many jobs were found."""
        now = time.monotonic()
        self._set_aside = {job: until for job, until in self._set_aside.items() if until > now}
        async with self._connection.transaction():
            values = {"limit": self._limit, "set_aside": list(self._set_aside)}
            rows = await (await self._connection.execute(TAKE, values)).fetchall()
            if rows:
                confirmed = await self._publish(self._read(rows))
                await self._connection.execute(MARK_SENT, {"ids": confirmed})
        return len(rows)

    def _read(self, rows: list[dict[str, Any]]) -> list[Job]:
        """The rows as jobs. One that is none stays in the outbox and does not stop the others."""
        jobs = []
        for row in rows:
            try:
                jobs.append(Job(**row))
            except ValidationError as error:
                why = envelope.without_values(error)[:500]
                log.error("outbox_row_unreadable", job=str(row["id"]), error=why)
                self._set_aside[row["id"]] = time.monotonic() + _SET_ASIDE_S
        return jobs

    async def _publish(self, jobs: list[Job]) -> list[uuid.UUID]:
        """Send all at once, then wait for what the broker says of each; → the confirmed ones."""
        began = time.perf_counter()
        outcomes = {
            self._link.publish(topology.EXCHANGE, job.kind, *_message(job)): job for job in jobs
        }
        if outcomes:
            await asyncio.wait(outcomes, timeout=_CONFIRM_S)
        confirmed = []
        for future, job in outcomes.items():
            outcome = future.result() if future.done() else "unknown"
            metrics.outbox_published.labels(job.kind, outcome).inc()
            said = {"job": str(job.id), "kind": job.kind, "request_id": job.request_id}
            if outcome == "confirmed":
                confirmed.append(job.id)
                log.info("job_published", ms=logs.ms_since(began), **said)
            else:
                log.warning("job_not_taken", outcome=outcome, **said)
                self._set_aside[job.id] = time.monotonic() + _SET_ASIDE_S
        return confirmed

    async def _measure(self) -> None:
        now = time.monotonic()
        if now - self._measured_at < _MEASURE_EVERY_S:
            return
        self._measured_at = now
        row = await (await self._connection.execute(WAITING)).fetchone()
        assert row is not None
        metrics.outbox_unsent.set(row["unsent"])
        metrics.outbox_oldest_unsent.set(float(row["oldest_s"]))


def _message(job: Job) -> tuple[bytes, pika.BasicProperties]:
    return envelope.encode(job), broker.properties(job)


if __name__ == "__main__":
    run("relay", relay)
