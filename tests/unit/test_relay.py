"""Promises of `worker/broker.py` and `worker/relay.py`: what is marked as sent."""

import asyncio
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, cast

import pika
import pytest
from pika.channel import Channel

from app.settings import Settings
from jobs import WelcomeEmail, envelope
from worker import relay
from worker.broker import BrokerGone, Link
from worker.process import Process
from worker.relay import Connection


class Broker:
    """A channel that remembers what was published."""

    is_open = True

    def __init__(self) -> None:
        self.published: list[tuple[str, pika.BasicProperties, bool]] = []

    def basic_publish(
        self, _exchange: str, key: str, _body: bytes, properties: Any, *, mandatory: bool
    ) -> None:
        """Take a message."""
        self.published.append((key, properties, mandatory))


def told(name: str, tag: int, *, multiple: bool = False) -> Any:
    """The broker's word on a message."""
    return SimpleNamespace(method=SimpleNamespace(NAME=name, delivery_tag=tag, multiple=multiple))


def outcomes(say: Callable[[Link, asyncio.Future[None]], None], messages: int = 3) -> list[str]:
    """Publish, let the broker speak; → what is known of each message then."""

    async def story() -> list[str]:
        gone: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        link = Link(cast("Channel", Broker()), gone)
        futures = [
            link.publish("jobs", "kind", b"{}", pika.BasicProperties(message_id=f"job-{i}"))
            for i in range(messages)
        ]
        say(link, gone)
        await asyncio.sleep(0)
        if gone.done():
            gone.exception()
        return [future.result() if future.done() else "waiting" for future in futures]

    return asyncio.run(story())


def test_a_confirmation_may_be_for_many() -> None:
    """Broken: under load most messages are never known to be confirmed, and are sent again."""
    word = told("Basic.Ack", 2, multiple=True)
    assert outcomes(lambda link, _: link._on_confirm(word)) == [  # noqa: SLF001 - as pika calls it
        "confirmed",
        "confirmed",
        "waiting",
    ]


def test_a_message_that_no_queue_wants_is_not_sent() -> None:
    """Broken: a job of a kind without a queue is marked as sent, and is gone."""

    def say(link: Link, _: object) -> None:
        link._on_return(  # noqa: SLF001
            cast("Channel", None), None, SimpleNamespace(message_id="job-1"), b""
        )
        link._on_confirm(told("Basic.Ack", 3, multiple=True))  # noqa: SLF001

    assert outcomes(say) == ["confirmed", "returned", "confirmed"]


def test_a_message_that_the_broker_refuses_is_not_sent() -> None:
    """Broken: a full queue loses jobs."""
    word = told("Basic.Nack", 1)
    assert outcomes(lambda link, _: link._on_confirm(word), 1) == ["refused"]  # noqa: SLF001


def test_when_the_broker_goes_what_it_did_not_say_is_unknown() -> None:
    """Broken: the relay waits for ever, or takes silence for consent."""
    assert outcomes(lambda _, gone: gone.set_exception(BrokerGone("killed")), 2) == [
        "unknown",
        "unknown",
    ]


class Outbox:
    """A connection to a database with some unsent rows."""

    def __init__(self, rows: list[dict[str, Any]]) -> None:
        self.rows = rows
        self.marked: list[uuid.UUID] = []

    def transaction(self) -> Outbox:
        """One transaction."""
        return self

    async def __aenter__(self) -> None:
        pass

    async def __aexit__(self, *_: object) -> None:
        pass

    async def execute(self, sql: str, values: dict[str, Any]) -> Outbox:
        """Take rows, or mark them."""
        if sql == relay.MARK_SENT:
            self.marked += values["ids"]
        return self

    async def fetchall(self) -> list[dict[str, Any]]:
        """The rows."""
        return self.rows


class Words:
    """A link on which each message ends as a list says."""

    def __init__(self, *ends: str) -> None:
        self.ends = list(ends)

    def publish(self, *_: object) -> asyncio.Future[str]:
        """Send a message."""
        future: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        if (end := self.ends.pop(0)) != "silence":
            future.set_result(end)
        return future


def row(**changes: Any) -> dict[str, Any]:
    """A row of the outbox."""
    job = envelope.new(WelcomeEmail(email="ann@example.com", name="Ann"))
    return job.model_dump() | {"created_at": datetime.now(UTC)} | changes


def forward(settings: Settings, outbox: Outbox, link: Words) -> None:
    """Forward one batch."""

    async def story() -> None:
        forwarding = relay._Forwarding(  # noqa: SLF001
            Process("relay"), settings, cast("Connection", outbox), cast("Link", link)
        )
        await forwarding._forward()  # noqa: SLF001

    asyncio.run(story())


def test_only_what_was_confirmed_is_marked_as_sent(
    monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    """Broken: jobs are lost whenever the broker hesitates."""
    monkeypatch.setattr(relay, "_CONFIRM_S", 0.01)
    ends = ("confirmed", "returned", "refused", "unknown", "silence", "confirmed")
    outbox = Outbox([row() for _ in ends])
    forward(settings, outbox, Words(*ends))
    assert outbox.marked == [outbox.rows[0]["id"], outbox.rows[5]["id"]]


def test_a_row_that_is_no_job_does_not_stop_the_others(settings: Settings) -> None:
    """Broken: one bad row, and no mail is ever sent again."""
    outbox = Outbox([row(kind="Not a kind"), row()])
    forward(settings, outbox, Words("confirmed"))
    assert outbox.marked == [outbox.rows[1]["id"]]


def test_a_line_about_a_job_names_the_request_that_caused_it(
    monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    """Broken: a request's way ends at the outbox, and nobody knows whether its mail was sent on."""
    said: list[tuple[str, dict[str, Any]]] = []
    log = SimpleNamespace(
        info=lambda event, **fields: said.append((event, fields)),
        warning=lambda event, **fields: said.append((event, fields)),
    )
    monkeypatch.setattr(relay, "log", log)
    outbox = Outbox([row(request_id="f" * 32), row(request_id="0" * 32), row(request_id=None)])
    forward(settings, outbox, Words("confirmed", "refused", "confirmed"))
    assert [(event, fields["request_id"]) for event, fields in said] == [
        ("job_published", "f" * 32),
        ("job_not_taken", "0" * 32),
        ("job_published", None),
    ]
    assert said[0][1]["ms"] >= 0
    assert [fields["job"] for _, fields in said] == [str(one["id"]) for one in outbox.rows]
