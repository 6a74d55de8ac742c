"""Promises of `app/outbox.py`: what a request does about its job after the commit."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast

import pytest

from app import outbox, timing
from app.database import Database
from app.errors import DatabaseUnavailable
from app.outbox import Outbox
from app.settings import Settings
from jobs import FanOutPost, Job, JobRejected, WelcomeEmail, envelope
from worker import handlers
from worker.workshop import JobFailed, Workshop

WORKSHOP = Workshop(name="web-1", smtp_url=None, smtp_timeout_s=1, mail_from="a@b.c")
BROKER = {"broker_url": "amqp://rabbitmq"}


class Tables:
    """A database that remembers statements; `committed` when a transaction came to its end."""

    def __init__(self, *, gone: bool = False) -> None:
        self.statements: list[str] = []
        self.committed = False
        self.gone = gone

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Tables]:
        """One transaction."""
        if self.gone:
            raise DatabaseUnavailable
        yield self
        self.committed = True

    async def execute(self, sql: str, _values: dict[str, Any]) -> None:
        """One statement."""
        self.statements.append(sql)


def settle(
    monkeypatch: pytest.MonkeyPatch,
    settings: Settings,
    tables: Tables,
    outcome: Exception | None,
    follow: tuple[Job, ...] = (),
) -> list[Job]:
    """Let a request settle its job; → the jobs that it did itself."""
    did: list[Job] = []
    left = iter(follow)

    async def do_once(job: Job, _connection: object, _workshop: Workshop) -> handlers.Done:
        did.append(job)
        if outcome:
            raise outcome
        return handlers.Done(new=True, follows=next(left, None))

    monkeypatch.setattr(handlers, "do_once", do_once)
    job = envelope.new(WelcomeEmail(email="ann@example.com", name="Ann"))

    async def request() -> None:
        await Outbox(cast("Database", tables), WORKSHOP, settings).committed(job)

    asyncio.run(request())
    return did


def test_with_a_broker_the_request_leaves_the_job_to_the_relay(
    monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    """Broken: at stage 5 sign-ups still wait for the mail server, and mails are sent twice."""
    with_broker = Settings(**settings.model_dump(exclude_unset=True) | BROKER)
    tables, told = Tables(), timing.begin(b"test")
    assert settle(monkeypatch, with_broker, tables, None) == []
    assert tables.statements == []
    assert told.job == "welcome_email queued"


def test_without_a_broker_the_request_does_the_job_and_says_so(
    monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    """Broken: at stages 1 to 4 nobody is welcomed, or is again when a relay comes."""
    tables, told = Tables(), timing.begin(b"test")
    assert len(settle(monkeypatch, settings, tables, None)) == 1
    assert tables.statements == [outbox.MARK_SENT]
    assert tables.committed
    assert told.job == "welcome_email done"


def test_without_a_broker_the_jobs_that_follow_are_done_as_well(
    monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    """Broken: at stages 1 to 4 the first thousand followers are told, and nobody else."""
    more = [envelope.new(FanOutPost(post_id=1, author_id=1, after=n)) for n in (1000, 2000)]
    tables = Tables()
    did = settle(monkeypatch, settings, tables, None, tuple(more))
    assert did[1:] == more
    assert tables.statements == [outbox.MARK_SENT] * 3


@pytest.mark.parametrize("outcome", [JobFailed("mail server away"), JobRejected("no such box")])
def test_a_job_that_fails_stays_unsent_and_the_request_succeeds(
    monkeypatch: pytest.MonkeyPatch, settings: Settings, outcome: Exception
) -> None:
    """Broken: the mail server is down, and nobody can sign up; or the mail is lost."""
    tables, told = Tables(), timing.begin(b"test")
    settle(monkeypatch, settings, tables, outcome)
    assert tables.statements == []
    assert not tables.committed
    assert told.job == "welcome_email left"


def test_a_database_that_goes_away_after_the_commit_does_not_undo_the_answer(
    monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    """Broken: the member is in the database, and the visitor is told that it failed."""
    assert settle(monkeypatch, settings, Tables(gone=True), None) == []


def test_the_row_holds_what_the_relay_will_send() -> None:
    """Broken: what was written cannot be read as a job again."""
    job = envelope.new(WelcomeEmail(email="ann@example.com", name="Zoë"))
    row = outbox.values(job)
    assert {f"%({name})s" in outbox.INSERT for name in row} == {True}
    again = Job.model_validate_json(
        f'{{"id": "{row["job_id"]}", "kind": "{row["job_kind"]}", "version": {row["job_version"]},'
        f' "created_at": "{row["job_created_at"].isoformat()}", "payload": {row["job_payload"]}}}'
    )
    assert again == job
