"""Promises of `app/views.py`: what becomes of a batch that was set apart."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast

import pytest

from app import views as module
from app.cache import Cache
from app.database import Database
from app.errors import DatabaseUnavailable
from app.settings import Settings
from app.views import Views
from jobs import Job
from worker import handlers
from worker.workshop import Workshop

WORKSHOP = Workshop(name="web-1", smtp_url=None, smtp_timeout_s=1, mail_from="a@b.c")
BATCH = str(uuid.uuid7())
CACHED = {"cache_url": "redis://redis"}
BROKER = {"broker_url": "amqp://rabbitmq"}


class Redis:
    """Redis with one batch in it."""

    def __init__(self, views: dict[int, int]) -> None:
        self.content = [str(one).encode() for pair in views.items() for one in pair]
        self.batches = [BATCH.encode()]

    async def ask(self, _: str, command: str, *_words: object) -> object:
        """The answer to one command."""
        if command == "SMEMBERS":
            return list(self.batches)
        if command == "SREM":
            self.batches.clear()
        return self.content if command == "HGETALL" else b"OK"


class Tables:
    """A database that remembers what was handed over, by id."""

    def __init__(self, *, gone: bool = False) -> None:
        self.outbox: dict[uuid.UUID, dict[str, Any]] = {}
        self.gone = gone

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Tables]:
        """One transaction."""
        yield self
        if self.gone:
            raise DatabaseUnavailable

    async def execute(self, sql: str, values: dict[str, Any]) -> None:
        """One statement."""
        assert sql == module.HAND_OVER
        self.outbox.setdefault(values["job_id"], values)


def flush(
    monkeypatch: pytest.MonkeyPatch,
    settings: Settings,
    redis: Redis,
    tables: Tables,
    *,
    last: bool = False,
    broker: bool = False,
) -> list[Job]:
    """Flush once; → the jobs that this process did itself."""
    did: list[Job] = []

    async def do_once(job: Job, _connection: object, _workshop: Workshop) -> handlers.Done:
        did.append(job)
        return handlers.Done(new=True)

    monkeypatch.setattr(handlers, "do_once", do_once)
    more = CACHED | (BROKER if broker else {})
    given = Settings(**settings.model_dump(exclude_unset=True) | more)
    views = Views(cast("Database", tables), cast("Cache", redis), WORKSHOP, given)
    asyncio.run(views.flush(last=last))
    return did


def counted(jobs: list[Job]) -> dict[int, int]:
    """Post → views, of all jobs."""
    pairs = [
        pair
        for job in jobs
        for pair in zip(job.payload["posts"], job.payload["views"], strict=True)
    ]
    assert len(dict(pairs)) == len(pairs)
    return dict(pairs)


def test_with_a_broker_a_batch_leaves_the_web_process(
    monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    """Broken: at stage 5 the web replicas still write counts, and the worker does so again."""
    redis, tables = Redis({7: 3, 5: 1}), Tables()
    assert flush(monkeypatch, settings, redis, tables, broker=True) == []
    assert list(tables.outbox) == [uuid.UUID(BATCH)]
    assert redis.batches == []


def test_without_a_broker_it_is_written_here(
    monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    """Broken: at stage 4 no view is ever written."""
    tables = Tables()
    did = flush(monkeypatch, settings, Redis({7: 3, 5: 1}), tables)
    assert counted(did) == {5: 1, 7: 3}
    assert tables.outbox == {}


def test_the_last_batch_of_a_process_is_written_here(
    monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    """Broken: a switch to a stage without a worker leaves views in the outbox."""
    tables = Tables()
    assert flush(monkeypatch, settings, Redis({5: 1}), tables, last=True, broker=True)
    assert tables.outbox == {}


def test_a_batch_that_is_tried_again_is_the_same_jobs(
    monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    """Broken: views count twice when Redis was not told that they were handed over."""
    many = {post: post % 9 + 1 for post in range(1, 2_502)}
    tables = Tables()
    for _ in range(2):
        flush(monkeypatch, settings, Redis(many), tables, broker=True)
    assert len(tables.outbox) == 3
    here = flush(monkeypatch, settings, Redis(many), tables)
    assert [job.id for job in here] == sorted(tables.outbox)
    assert counted(here) == many
    assert {job.id.version for job in here} == {7}


def test_a_batch_that_was_not_committed_stays(
    monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    """Broken: the primary restarts, and two seconds of views are gone."""
    redis = Redis({5: 1})
    flush(monkeypatch, settings, redis, Tables(gone=True), broker=True)
    assert redis.batches == [BATCH.encode()]


def test_a_view_that_is_not_batched_is_written_at_once(settings: Settings) -> None:
    """Broken: `VIEWS_BATCHED=false` still gathers, or counts nothing."""
    written: list[dict[str, Any]] = []

    class Primary:
        async def write(self, sql: str, values: dict[str, Any]) -> None:
            assert sql == module.COUNT
            written.append(values)

    given = Settings(**settings.model_dump(exclude_unset=True) | CACHED, views_batched=False)
    redis = cast("Cache", Redis({}))
    asyncio.run(Views(cast("Database", Primary()), redis, WORKSHOP, given).count(7))
    assert written == [{"id": 7}]
