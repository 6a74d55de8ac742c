"""Exchanges and queues, as data. To add a kind of job: one line in `KINDS`.

    jobs (direct) ──kind──▶ KIND ──given up──▶ KIND.dead
      ▲                      │ failed, tries left
      │ when its time is up  ▼
    jobs.later.4900ms ◀── jobs.later (headers: delay-ms)

Queues are durable quorum queues: a confirmed message is on disk on a majority of the nodes. The
relay alone declares them (`declare`); workers find them there. The queues for later are shared by
all kinds, and are named by their delay: other settings are other queues, and no conflict.

Why no per-message time to live: a quorum queue lets only its head expire, so the longest delay
would become everybody's. And not the queues' own delayed retry (RabbitMQ 4.3): over AMQP 0-9-1 it
waits equally long for all that failed together, and forgets why they did.
"""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from app.settings import Settings
from worker import broker, retry
from worker.broker import BrokerGone, Link

EXCHANGE = "jobs"
LATER = "jobs.later"
DELAY_HEADER = "delay-ms"
DEAD = ".dead"

# The broker's own stop for a message whose workers die before they can say anything about it. Jobs
# that fail in an orderly way are given up earlier, see `job_retry_s`.
_DELIVERY_LIMIT = 20
# The name of a new queue reaches the broker's disk up to half a second after the declaration. If it
# is killed before, the queue is there again, but without what was confirmed for it: so nothing is
# published until this time has passed.
_SETTLE_S = 1.0


class TopologyConflict(Exception):
    """A queue or exchange is there with other arguments; says which, and what to do."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of job, and how many of it one worker does at a time (`WORKER_AT_A_TIME`)."""

    name: str
    at_a_time: int

    @property
    def dead(self) -> str:
        """The queue of those that were given up, to look at and to replay."""
        return self.name + DEAD


# A mail waits for its server, and so several wait beside each other; what computes goes one by one.
KINDS = (
    Kind("welcome_email", at_a_time=4),
    Kind("process_avatar", at_a_time=1),
    Kind("fan_out_post", at_a_time=2),
    Kind("write_views", at_a_time=1),
)


@dataclass(frozen=True, slots=True)
class Queue:
    """A queue as RabbitMQ wants it (rabbitmq.com/docs/quorum-queues), and what leads to it."""

    name: str
    exchange: str = ""
    key: str = ""
    binding: dict[str, Any] = field(default_factory=dict)
    extra: dict[str, Any] = field(default_factory=dict)

    @property
    def arguments(self) -> dict[str, Any]:
        """The arguments of its declaration. Each change of one needs `make renew`."""
        return {"x-queue-type": "quorum"} | self.extra


def queues(settings: Settings) -> list[Queue]:
    """All queues; one that others hand their dead to comes before them."""
    return [
        *(Queue(kind.dead) for kind in KINDS),
        *(_work(kind) for kind in KINDS),
        *(_later(delay_ms) for delay_ms in retry.all_delays_ms(settings.job_retry_s)),
    ]


def _work(kind: Kind) -> Queue:
    handed_on = {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": kind.dead}
    limit = {"x-delivery-limit": _DELIVERY_LIMIT}
    return Queue(kind.name, EXCHANGE, kind.name, extra=limit | handed_on | _SAFELY)


def _later(delay_ms: int) -> Queue:
    binding = {"x-match": "all", DELAY_HEADER: delay_ms}
    # Back to the exchange of the jobs under its own key, which is its kind.
    handed_on = {"x-message-ttl": delay_ms, "x-dead-letter-exchange": EXCHANGE}
    return Queue(f"{LATER}.{delay_ms}ms", LATER, "", binding, handed_on | _SAFELY)


# A message leaves a queue for another only when that one has confirmed it.
_SAFELY = {"x-dead-letter-strategy": "at-least-once", "x-overflow": "reject-publish"}


def shares(given: dict[str, int]) -> dict[str, int]:
    """How many of each kind a worker does at a time, by default or as given.

    Raises:
        ValueError: a kind that there is not.
    """
    if unknown := given.keys() - {kind.name for kind in KINDS}:
        raise ValueError(f"no such kind of job: {', '.join(sorted(unknown))}")
    return {kind.name: given.get(kind.name, kind.at_a_time) for kind in KINDS}


async def declare(url: str, name: str, settings: Settings) -> None:
    """Make all of it; what is there already is left as it is. Over a connection of its own.

    Raises:
        TopologyConflict: something is there with other arguments.
        BrokerGone: the broker went away meanwhile.
    """
    wanted = queues(settings)
    complete = await _all_there(url, name, wanted)
    async with broker.connect(url, name) as link:
        await _declare(link, wanted)
    if not complete:
        await asyncio.sleep(_SETTLE_S)


async def _all_there(url: str, name: str, wanted: Iterable[Queue]) -> bool:
    async with broker.connect(url, name) as link:
        try:
            for queue in wanted:
                await link.call("queue_declare", queue=queue.name, passive=True)
        except BrokerGone as error:
            if error.code != broker.NOT_FOUND:
                raise
            return False
    return True


async def _declare(link: Link, wanted: Iterable[Queue]) -> None:
    name = EXCHANGE
    try:
        await link.call("exchange_declare", exchange=name, exchange_type="direct", durable=True)
        name = LATER
        await link.call("exchange_declare", exchange=name, exchange_type="headers", durable=True)
        for queue in wanted:
            name = queue.name
            await link.call("queue_declare", queue=name, durable=True, arguments=queue.arguments)
            if queue.exchange:
                await link.call(
                    "queue_bind",
                    queue=name,
                    exchange=queue.exchange,
                    routing_key=queue.key,
                    arguments=queue.binding,
                )
    except BrokerGone as error:
        if error.code != broker.PRECONDITION_FAILED:
            raise
        raise TopologyConflict(
            f"{name} is there with other arguments ({error}). Jobs wait safely in the outbox. Put"
            f" the argument back, or make it anew: `make queues` until it is empty, then"
            f" `make renew QUEUE={name}`"
        ) from error
