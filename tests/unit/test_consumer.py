"""Promises of `worker/consumer.py`: what becomes of a message."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import cast

import pika
import pytest

from app import logs
from app.database import Database
from app.errors import DatabaseUnavailable
from app.settings import Settings
from jobs import Job, JobRejected, WelcomeEmail, envelope
from worker import consumer, handlers
from worker.broker import Link, Message
from worker.consumer import Consumer
from worker.process import Process
from worker.topology import DELAY_HEADER, LATER
from worker.unfinished import ERROR, REASON, TRIES
from worker.workshop import JobFailed, Workshop

WORKSHOP = Workshop(name="worker-1", smtp_url=None, smtp_timeout_s=1, mail_from="a@b.c")
MESSAGE = envelope.encode(envelope.new(WelcomeEmail(email="ann@example.com", name="Ann")))

REQUEST = "f" * 32


class Told:
    """A link that remembers what it is told, in order."""

    def __init__(self, outcome: str) -> None:
        self.words: list[str] = []
        self.sent: list[tuple[str, str, pika.BasicProperties, bytes]] = []
        self.outcome = outcome

    def acknowledge(self, _: int) -> None:
        """Done."""
        self.words.append("acknowledged")

    def give_back(self, _: int) -> None:
        """Not done."""
        self.words.append("given back")

    async def publish(
        self, exchange: str, key: str, body: bytes, about: pika.BasicProperties
    ) -> str:
        """Another message."""
        self.sent.append((exchange, key, about, body))
        self.words.append("later" if exchange == LATER else f"to {key}")
        return self.outcome


class Tables:
    """A database that does what it is asked."""

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[None]:
        """One transaction."""
        yield


def deliver(
    monkeypatch: pytest.MonkeyPatch,
    settings: Settings,
    *,
    body: bytes = MESSAGE,
    outcome: Exception | bool = True,
    failed_before: int = 0,
    broker: str = "confirmed",
) -> Told:
    """Deliver a message whose job ends so; → what the broker is told."""

    async def do_once(_job: Job, _connection: object, _workshop: Workshop) -> handlers.Done:
        if isinstance(outcome, Exception):
            raise outcome
        return handlers.Done(new=outcome)

    monkeypatch.setattr(handlers, "do_once", do_once)
    monkeypatch.setattr(consumer, "_REST_S", 0.0)
    about = pika.BasicProperties(
        headers={TRIES: failed_before, "x-death": [{"count": 1}]}, correlation_id=REQUEST
    )
    link = Told(broker)

    async def story() -> None:
        worker = Consumer(Process("worker"), settings, cast("Database", Tables()), WORKSHOP)
        message = Message("welcome_email", 1, about, body)
        worker._take(cast("Link", link), message)  # noqa: SLF001 - as pika calls it
        await worker._finish()  # noqa: SLF001

    asyncio.run(story())
    return link


def test_a_job_that_is_done_is_acknowledged_once(
    monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    """Broken: it is done again, or the broker closes the channel for an unknown delivery."""
    assert deliver(monkeypatch, settings).words == ["acknowledged"]


def test_a_job_that_was_done_before_is_acknowledged(
    monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    """Broken: a double stays in the queue for ever."""
    assert deliver(monkeypatch, settings, outcome=False).words == ["acknowledged"]


@pytest.mark.parametrize("trouble", [JobFailed("later"), ZeroDivisionError("a mistake")])
def test_a_job_that_fails_comes_again_later_until_its_tries_are_over(
    monkeypatch: pytest.MonkeyPatch, settings: Settings, trouble: Exception
) -> None:
    """Broken: one failure loses the mail, or one mistake keeps a worker busy for ever."""
    tries = len(settings.job_retry_s) + 1
    told = [
        deliver(monkeypatch, settings, outcome=trouble, failed_before=before).words
        for before in range(tries)
    ]
    last = ["to welcome_email.dead", "acknowledged"]
    assert told == [["later", "acknowledged"]] * (tries - 1) + [last]


def test_each_try_is_counted_and_waits_longer(
    monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    """Broken: a job is tried for ever, or takes what the broker wrote about its last round along
    and is dropped as one that goes in circles.
    """
    waits = []
    for before in range(len(settings.job_retry_s)):
        link = deliver(monkeypatch, settings, outcome=JobFailed("not now"), failed_before=before)
        _, key, about, body = link.sent[0]
        headers = cast("dict[str, int]", about.headers)
        assert (key, body) == ("welcome_email", MESSAGE)
        assert headers[TRIES] == before + 1
        assert "x-death" not in headers
        waits.append(headers[DELAY_HEADER])
    assert waits == sorted(waits)


def test_what_the_broker_does_not_take_for_later_is_given_back(
    monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    """Broken: the old message is acknowledged although there is no new one."""
    told = deliver(monkeypatch, settings, outcome=JobFailed("later"), broker="returned")
    assert told.words == ["later", "given back"]


def test_our_own_database_is_not_the_jobs_fault(
    monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    """Broken: ten minutes without a primary put every job with the dead."""
    assert deliver(monkeypatch, settings, outcome=DatabaseUnavailable()).words == ["given back"]


def test_a_job_that_can_never_be_done_is_dead_at_once(
    monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    """Broken: it is tried for minutes, in front of others, and nobody learns why."""
    told = deliver(monkeypatch, settings, outcome=JobRejected("no such box"))
    assert told.words == ["to welcome_email.dead", "acknowledged"]
    headers = cast("dict[str, str]", told.sent[0][2].headers)
    assert (headers[REASON], headers[ERROR]) == ("refused", "no such box")


@pytest.mark.parametrize(
    ("poison", "reason"),
    [
        (b"", "undecodable"),
        (b"\xff", "undecodable"),
        (b"{}", "undecodable"),
        (b"x" * 70_000, "undecodable"),
        (MESSAGE.replace(b"welcome", b"unknown"), "unknown_kind"),
        (MESSAGE.replace(b'"version":1', b'"version":9'), "unknown_kind"),
        (MESSAGE.replace(b'"name"', b'"nome"'), "invalid_payload"),
    ],
)
def test_a_message_that_is_no_job_is_dead_at_once(
    monkeypatch: pytest.MonkeyPatch, settings: Settings, poison: bytes, reason: str
) -> None:
    """Broken: one bad message stops the queue."""
    told = deliver(monkeypatch, settings, body=poison)
    assert told.words == ["to welcome_email.dead", "acknowledged"]
    assert cast("dict[str, str]", told.sent[0][2].headers)[REASON] == reason
    assert told.sent[0][3] == poison


def test_the_request_is_known_in_every_line_and_at_every_try(
    monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    """Broken: what became of a request's job is not found by the request's id."""
    carried: list[dict[str, object]] = []
    monkeypatch.setattr(logs, "carry", lambda **fields: carried.append(fields))
    link = deliver(monkeypatch, settings, outcome=JobFailed("not now"))
    job = envelope.decode(MESSAGE)
    assert carried == [
        {"job": str(job.id), "kind": "welcome_email", "tries": 1, "request_id": REQUEST}
    ]
    assert [about.correlation_id for _, _, about, _ in link.sent] == [REQUEST]
