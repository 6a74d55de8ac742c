"""A connection to RabbitMQ that can be awaited: pika's callbacks as futures.

pika keeps the heartbeats in the same event loop, so they are answered while jobs are being done.
A `Link` is one connection with one channel. When either is lost, everything that waits on it raises
`BrokerGone`; whoever holds the link then opens a new one.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any, Literal

import pika
from pika.adapters.asyncio_connection import AsyncioConnection
from pika.channel import Channel

from jobs import Job

# Two heartbeats missed and the other side is taken for gone. An address may say `?heartbeat=`.
_HEARTBEAT_S = 20
_CONNECT_S = 10.0
_CALL_S = 10.0
_CLOSE_S = 3.0

type Outcome = Literal["confirmed", "returned", "refused", "unknown"]
type OnMessage = Callable[[Message], None]


# Codes with which the broker closes a channel (AMQP 0-9-1, 1.2).
NOT_FOUND = 404
PRECONDITION_FAILED = 406


class BrokerGone(Exception):
    """The connection or its channel is closed; says why, with the broker's code if it gave one."""

    def __init__(self, reason: object) -> None:
        super().__init__(str(reason))
        self.code: int | None = getattr(reason, "reply_code", None)


@dataclass(frozen=True, slots=True)
class Message:
    """A message as it came out of a queue; `delivery` is how this link calls it."""

    queue: str
    delivery: int
    properties: pika.BasicProperties
    body: bytes


def properties(job: Job) -> pika.BasicProperties:
    """The properties of a job's message: it survives a restart, and can be told from others."""
    return pika.BasicProperties(
        message_id=str(job.id),
        correlation_id=job.request_id,
        type=job.kind,
        timestamp=int(job.created_at.timestamp()),
        headers={},
        content_type="application/json",
        delivery_mode=pika.DeliveryMode.Persistent.value,
    )


class Link:
    """An open channel. `gone` ends with the reason when it is not open any more."""

    def __init__(self, channel: Channel, gone: asyncio.Future[None]) -> None:
        self.gone = gone
        self._channel = channel
        self._published = 0
        self._unconfirmed: dict[int, tuple[str, asyncio.Future[Outcome]]] = {}
        self._returned: set[str] = set()
        gone.add_done_callback(self._on_gone)

    async def call(self, method: str, **values: Any) -> Any:
        """Call a method of the channel and wait for the broker's answer.

        Raises:
            BrokerGone: instead of an answer.
        """
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        getattr(self._channel, method)(**values, callback=_settle(answer))
        return await _unless_gone(answer, self.gone, _CALL_S)

    async def confirm_publishing(self) -> None:
        """From now on the broker says of each message whether it has it."""
        self._channel.add_on_return_callback(self._on_return)
        await self.call("confirm_delivery", ack_nack_callback=self._on_confirm)

    def publish(
        self, exchange: str, key: str, body: bytes, about: pika.BasicProperties
    ) -> asyncio.Future[Outcome]:
        """Send a message; the future tells what became of it. Its properties need a `message_id`.

        The broker confirms a message when it is safe, returns one that no queue wants, and refuses
        one that it cannot keep. Unknown: the link was lost before it said anything.
        """
        outcome: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        if not self._channel.is_open:
            outcome.set_result("unknown")
            return outcome
        self._published += 1
        self._unconfirmed[self._published] = (str(about.message_id), outcome)
        self._channel.basic_publish(exchange, key, body, about, mandatory=True)
        return outcome

    async def consume(self, queue: str, on_message: OnMessage) -> str:
        """Have the messages of a queue sent here; → the consumer's tag."""

        def deliver(_: Channel, method: Any, about: pika.BasicProperties, body: bytes) -> None:
            on_message(Message(queue, method.delivery_tag, about, body))

        answer = await self.call("basic_consume", queue=queue, on_message_callback=deliver)
        return str(answer.method.consumer_tag)

    async def get(self, queue: str) -> tuple[Any, pika.BasicProperties, bytes] | None:
        """One message of a queue, not acknowledged; None when it is empty."""
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        settle = _settle(answer)
        self._channel.add_callback(lambda _: settle(None), [pika.spec.Basic.GetEmpty], True)  # noqa: FBT003
        self._channel.basic_get(queue, lambda _, *got: settle(got))
        got: tuple[Any, pika.BasicProperties, bytes] | None
        got = await _unless_gone(answer, self.gone, _CALL_S)
        return got

    def acknowledge(self, delivery: int) -> None:
        """The message is dealt with. Nothing happens when the link is gone: it comes again."""
        if self._channel.is_open:
            self._channel.basic_ack(delivery)

    def give_back(self, delivery: int) -> None:
        """Let the message be delivered again, to whoever comes first.

        A nack: unlike a reject it does not count as a delivery that failed (RabbitMQ 4.3).
        """
        if self._channel.is_open:
            self._channel.basic_nack(delivery, requeue=True)

    def _on_return(self, _: Channel, _method: Any, properties: Any, _body: bytes) -> None:
        # Comes before the confirmation of the same message.
        self._returned.add(properties.message_id)

    def _on_confirm(self, frame: Any) -> None:
        tag, multiple = frame.method.delivery_tag, frame.method.multiple
        refused = frame.method.NAME == "Basic.Nack"
        tags = [each for each in self._unconfirmed if each <= tag] if multiple else [tag]
        for each in tags:
            job_id, outcome = self._unconfirmed.pop(each)
            returned = job_id in self._returned
            self._returned.discard(job_id)
            if not outcome.done():
                outcome.set_result(
                    "refused" if refused else "returned" if returned else "confirmed"
                )

    def _on_gone(self, _: asyncio.Future[None]) -> None:
        for _job_id, outcome in self._unconfirmed.values():
            if not outcome.done():
                outcome.set_result("unknown")


@asynccontextmanager
async def connect(url: str, name: str) -> AsyncIterator[Link]:
    """A link, closed at the end of the block. `name` is shown in RabbitMQ's management pages.

    Raises:
        BrokerGone: no connection in time.
    """
    loop = asyncio.get_running_loop()
    opened: asyncio.Future[AsyncioConnection] = loop.create_future()
    gone: asyncio.Future[None] = loop.create_future()
    gone.add_done_callback(lambda ended: ended.cancelled() or ended.exception())

    def lost(_: object, reason: object) -> None:
        if not gone.done():
            gone.set_exception(BrokerGone(reason))

    parameters = pika.URLParameters(url)
    if parameters.heartbeat is None:
        parameters.heartbeat = _HEARTBEAT_S
    parameters.client_properties = {"connection_name": name}
    connection = AsyncioConnection(
        parameters,
        on_open_callback=_settle(opened),
        on_open_error_callback=lost,
        on_close_callback=lost,
    )
    try:
        await _unless_gone(opened, gone, _CONNECT_S)
        channel: asyncio.Future[Channel] = loop.create_future()
        connection.channel(on_open_callback=_settle(channel))
        link = Link(await _unless_gone(channel, gone, _CALL_S), gone)
        channel.result().add_on_close_callback(lost)
        yield link
    finally:
        await _close(connection, gone)


async def _close(connection: AsyncioConnection, gone: asyncio.Future[None]) -> None:
    if connection.is_closed:
        return
    if not connection.is_closing:
        connection.close()
    with suppress(BrokerGone, TimeoutError):
        async with asyncio.timeout(_CLOSE_S):
            await asyncio.shield(gone)


def _settle(future: asyncio.Future[Any]) -> Callable[[Any], None]:
    def settle(result: Any) -> None:
        if not future.done():
            future.set_result(result)

    return settle


async def _unless_gone[T](answer: asyncio.Future[T], gone: asyncio.Future[None], s: float) -> T:
    either: set[asyncio.Future[Any]] = {answer, gone}
    await asyncio.wait(either, timeout=s, return_when=asyncio.FIRST_COMPLETED)
    if answer.done():
        return answer.result()
    answer.cancel()
    if gone.done():
        gone.result()
    raise BrokerGone(f"no answer within {s} s")
