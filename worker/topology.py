"""Exchanges and queues, as data. `declare` makes them so; doing it again changes nothing.

    jobs (direct) ──welcome_email──▶ email ──dead letter──▶ email.dead

Queues are durable quorum queues: a confirmed message is on disk on a majority of the nodes.
"""

from dataclasses import dataclass
from typing import Any

from worker.broker import Link

EXCHANGE = "jobs"
# The broker's own stop for a message whose workers die before they can say anything about it. Jobs
# that fail in an orderly way are given up earlier, see `job_tries`.
_DELIVERY_LIMIT = 20


@dataclass(frozen=True, slots=True)
class Queue:
    """A queue, and the kinds of jobs that go through it."""

    name: str
    kinds: tuple[str, ...]

    @property
    def dead(self) -> str:
        """The queue of those that were given up, to look at and to replay."""
        return f"{self.name}.dead"

    @property
    def arguments(self) -> dict[str, Any]:
        """As RabbitMQ wants them (rabbitmq.com/docs/quorum-queues)."""
        return {
            "x-queue-type": "quorum",
            "x-delivery-limit": _DELIVERY_LIMIT,
            "x-dead-letter-exchange": "",
            "x-dead-letter-routing-key": self.dead,
            # A message leaves this queue only when the dead letters have confirmed it.
            "x-dead-letter-strategy": "at-least-once",
            "x-overflow": "reject-publish",
        }


QUEUES = (Queue("email", kinds=("welcome_email",)),)


async def declare(link: Link) -> None:
    """Make all of it.

    Raises:
        BrokerGone: the broker refused, for example because a queue is there with other arguments.
    """
    await link.call("exchange_declare", exchange=EXCHANGE, exchange_type="direct", durable=True)
    for queue in QUEUES:
        # The dead letters first: a queue must never have nowhere to put them.
        dead = {"x-queue-type": "quorum"}
        await link.call("queue_declare", queue=queue.dead, durable=True, arguments=dead)
        await link.call("queue_declare", queue=queue.name, durable=True, arguments=queue.arguments)
        for kind in queue.kinds:
            await link.call("queue_bind", queue=queue.name, exchange=EXCHANGE, routing_key=kind)
