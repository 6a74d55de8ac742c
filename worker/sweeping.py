"""Sweeps what is done and old out of the outbox and out of the workers' memory, a little at a time.

Both tables have ids in the order of time (UUIDv7), so what is old is a range at the beginning of
the primary key, and `uuidv7(interval)` makes its end. Rows that another relay sweeps are skipped.
"""

import time
from datetime import timedelta
from typing import Any

import psycopg

from app import metrics
from app.settings import Settings

_EVERY_S = 10.0
_ROWS = 1000  # at a time: some milliseconds of the primary, every few seconds

# The subquery of the bound is computed once, and so the primary key leads to it.
SWEEP_OUTBOX = """
DELETE FROM outbox WHERE id IN (
    SELECT id FROM outbox
    WHERE id < (SELECT uuidv7(-%(keep)s::interval)) AND sent_at IS NOT NULL
    ORDER BY id LIMIT %(rows)s FOR UPDATE SKIP LOCKED
)
"""
SWEEP_HANDLED = """
DELETE FROM handled_jobs WHERE job_id IN (
    SELECT job_id FROM handled_jobs
    WHERE job_id < (SELECT uuidv7(-%(keep)s::interval))
    ORDER BY job_id LIMIT %(rows)s FOR UPDATE SKIP LOCKED
)
"""


class Sweeping:
    """Remembers when it swept last. More than `_ROWS` left: it goes on at the next call."""

    def __init__(self, settings: Settings) -> None:
        self._tasks = [
            ("outbox", SWEEP_OUTBOX, timedelta(hours=settings.outbox_keep_hours)),
            ("handled_jobs", SWEEP_HANDLED, timedelta(days=settings.handled_keep_days)),
        ]
        self._again_at = 0.0

    async def sweep(self, connection: psycopg.AsyncConnection[dict[str, Any]]) -> None:
        """Delete one batch of each table, if it is time."""
        if time.monotonic() < self._again_at:
            return
        most = 0
        for table, statement, keep in self._tasks:
            done = await connection.execute(statement, {"keep": keep, "rows": _ROWS})
            metrics.rows_swept.labels(table).inc(done.rowcount)
            most = max(most, done.rowcount)
        self._again_at = time.monotonic() + (0 if most == _ROWS else _EVERY_S)
