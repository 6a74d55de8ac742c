"""Promises of `worker/consumer.py`: what becomes of a message."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import cast

import pika
import pytest

from app.database import Database
from app.errors import DatabaseUnavailable
from app.settings import Settings
from jobs import Job, JobRejected, WelcomeEmail, envelope
from worker import handlers
from worker.broker import Link
from worker.consumer import Consumer
from worker.process import Process
from worker.workshop import JobFailed, Workshop

WORKSHOP = Workshop(name="worker-1", smtp_url=None, smtp_timeout_s=1, mail_from="a@b.c")
MESSAGE = envelope.encode(envelope.new(WelcomeEmail(email="ann@example.com", name="Ann")))


class Told:
    """A link that remembers what it is told."""

    def __init__(self) -> None:
        self.words: list[str] = []

    def acknowledge(self, _: int) -> None:
        """Done."""
        self.words.append("acknowledged")

    def refuse(self, _: int, *, again: bool) -> None:
        """Not done."""
        self.words.append("given back" if again else "dead")


class Tables:
    """A database that does what it is asked."""

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[None]:
        """One transaction."""
        yield


def deliver(
    monkeypatch: pytest.MonkeyPatch,
    settings: Settings,
    body: bytes = MESSAGE,
    outcome: Exception | bool = True,  # noqa: FBT001, FBT002
    deliveries_before: int = 0,
) -> list[str]:
    """Deliver a message whose job ends so; → what the broker is told."""

    async def do_once(_job: Job, _connection: object, _workshop: Workshop) -> bool:
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    monkeypatch.setattr(handlers, "do_once", do_once)
    properties = pika.BasicProperties(headers={"x-delivery-count": deliveries_before})
    link = Told()

    async def story() -> None:
        process = Process("worker")
        process.stopping.set()  # so that delays before another try are not waited for
        consumer = Consumer(process, settings, cast("Database", Tables()), WORKSHOP)
        consumer._take(cast("Link", link), 1, properties, body)  # noqa: SLF001 - as pika calls it
        await consumer._finish()  # noqa: SLF001

    asyncio.run(story())
    return link.words


def test_a_job_that_is_done_is_acknowledged_once(
    monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    """Broken: it is done again, or the broker closes the channel for an unknown delivery."""
    assert deliver(monkeypatch, settings) == ["acknowledged"]


def test_a_job_that_was_done_before_is_acknowledged(
    monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    """Broken: a double stays in the queue for ever."""
    assert deliver(monkeypatch, settings, outcome=False) == ["acknowledged"]


@pytest.mark.parametrize(
    "trouble", [JobFailed("later"), DatabaseUnavailable(), ZeroDivisionError("a mistake")]
)
def test_a_job_that_fails_comes_again_until_its_tries_are_over(
    monkeypatch: pytest.MonkeyPatch, settings: Settings, trouble: Exception
) -> None:
    """Broken: one failure loses the mail, or one mistake keeps a worker busy for ever."""
    told = [
        deliver(monkeypatch, settings, outcome=trouble, deliveries_before=before)
        for before in range(settings.job_tries)
    ]
    assert told == [["given back"]] * (settings.job_tries - 1) + [["dead"]]


def test_a_job_that_can_never_be_done_is_dead_at_once(
    monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    """Broken: it is tried for minutes, in front of others."""
    assert deliver(monkeypatch, settings, outcome=JobRejected("no such box")) == ["dead"]


@pytest.mark.parametrize("poison", [b"", b"\xff", b"{}", MESSAGE.replace(b"welcome", b"unknown")])
def test_a_message_that_is_no_job_is_dead_at_once(
    monkeypatch: pytest.MonkeyPatch, settings: Settings, poison: bytes
) -> None:
    """Broken: one bad message stops the queue."""
    assert deliver(monkeypatch, settings, body=poison) == ["dead"]
