"""Jobs that could not be done: put off for a while, or put with the dead.

Both are a new message in another queue, confirmed before the old one is acknowledged. If this
process dies between the two there are two messages, and the inbox of handled jobs knows them by
their id. What happened travels in headers, for who looks at the dead and for the next try.
"""

import uuid
from datetime import UTC, datetime
from typing import Any, Literal

import pika

from app import metrics
from app.settings import Settings
from worker import retry, topology
from worker.broker import Link, Message

type End = Literal["failed", "dead"]

TRIES = "x-sluice-tries"  # how many have failed
REASON = "x-sluice-reason"  # one word: JobRejected's, or tries_over
ERROR = "x-sluice-error"  # the last one, in full
AT = "x-sluice-failed-at"
BY = "x-sluice-failed-by"
_ERROR_CHARACTERS = 1000


def tries_before(message: Message) -> int:
    """How many tries of this job have failed."""
    return int((message.properties.headers or {}).get(TRIES, 0))


class Unfinished:
    """Sends on what could not be done, over the link that it came by."""

    def __init__(self, settings: Settings, worker: str) -> None:
        self._ladder_s = settings.job_retry_s
        self._worker = worker

    async def put_off(self, link: Link, message: Message, error: str) -> End | None:
        """Let it come again later, or end it after its last try; None: the broker did not take it.

        → `failed` when it comes again, `dead` when it does not.
        """
        delay_ms = retry.rung_delay_ms(tries_before(message) + 1, self._ladder_s)
        if delay_ms is None:
            return await self.bury(link, message, "tries_over", error)
        about = self._described(message, {ERROR: error, topology.DELAY_HEADER: delay_ms})
        sent = await link.publish(topology.LATER, message.queue, message.body, about)
        return "failed" if sent == "confirmed" else None

    async def bury(self, link: Link, message: Message, reason: str, error: str) -> End | None:
        """Put it with the dead of the queue that it came from; None: the broker did not take it."""
        about = self._described(message, {ERROR: error, REASON: reason})
        key = message.queue + topology.DEAD
        if await link.publish("", key, message.body, about) != "confirmed":
            return None
        metrics.job_deaths.labels(message.queue, reason).inc()
        return "dead"

    def _described(self, message: Message, what: dict[str, Any]) -> pika.BasicProperties:
        old = message.properties
        # Of the old headers none: the broker's own history of a message's deaths would make it
        # take the next round for a cycle.
        headers = {
            TRIES: tries_before(message) + 1,
            AT: datetime.now(UTC).isoformat(timespec="milliseconds"),
            BY: self._worker,
            **what,
            ERROR: what[ERROR][:_ERROR_CHARACTERS],
        }
        return pika.BasicProperties(
            message_id=old.message_id or str(uuid.uuid4()),
            correlation_id=old.correlation_id,
            type=old.type,
            timestamp=old.timestamp,
            content_type=old.content_type,
            delivery_mode=pika.DeliveryMode.Persistent.value,
            headers=headers,
        )
