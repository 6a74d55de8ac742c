"""Promises of `app/database.py`: who is asked, how often, and what an error means."""

import asyncio
from typing import Any

import psycopg
import pytest
from sqlalchemy import exc
from sqlalchemy.ext.asyncio import AsyncEngine

from app import database
from app.database import Database, Rows
from app.errors import DatabaseBusy, DatabaseUnavailable, EmailTaken
from app.settings import Settings

REPLICAS = "postgresql+psycopg://sluice@/sluice?host=replica-1,replica-2&port=5432,5432"


class Asked:
    """Stands in for sending: remembers which pool was asked, and answers from a list."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *answers: Exception | None) -> None:
        self.pools: list[str] = []
        self.answers = list(answers)

        async def send(_: Database, engine: AsyncEngine, _sql: str, _values: Any) -> Rows:
            self.pools.append(str(engine.pool.logging_name))
            answer = self.answers.pop(0)
            if answer:
                raise answer
            return []

        monkeypatch.setattr(Database, "_send", send)


def with_replicas(settings: Settings) -> Database:
    """A database with replicas."""
    return Database(settings.model_copy(update={"replica_dsn": REPLICAS}))


def violation(constraint: str | None) -> exc.IntegrityError:
    """What SQLAlchemy raises when this constraint is violated."""

    class Diagnosis:
        constraint_name = constraint

    class Violation(psycopg.errors.UniqueViolation):
        diag = Diagnosis()  # type: ignore[assignment]

    return exc.IntegrityError("INSERT", {}, Violation())


def test_reads_go_to_the_replicas_and_own_reads_to_the_primary(
    monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    """Broken: the primary does all the work, or members do not see what they wrote."""
    asked = Asked(monkeypatch, None, None)
    db = with_replicas(settings)
    asyncio.run(db.read("SELECT 1", {}))
    asyncio.run(db.read("SELECT 1", {}, primary=True))
    assert asked.pools == ["reader", "writer"]


def test_without_replicas_the_primary_serves_the_reads(
    monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    """Broken: stages 1 and 2 need addresses that they do not have."""
    asked = Asked(monkeypatch, None)
    db = Database(settings)
    asyncio.run(db.read("SELECT 1", {}))
    assert asked.pools == ["writer"]
    assert not db.has_replicas


@pytest.mark.parametrize("trouble", [DatabaseUnavailable(), DatabaseBusy()])
def test_a_read_that_the_primary_can_serve_does_not_fail(
    monkeypatch: pytest.MonkeyPatch, settings: Settings, trouble: Exception
) -> None:
    """Broken: both replicas are down, and pages fail although the primary is idle."""
    asked = Asked(monkeypatch, trouble, None)
    asyncio.run(with_replicas(settings).read("SELECT 1", {}))
    assert asked.pools == ["reader", "writer"]


def test_a_read_survives_the_primarys_restart(
    monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    """Broken: after a restart each pooled connection costs one visitor an error."""
    asked = Asked(monkeypatch, DatabaseUnavailable(), None)
    asyncio.run(Database(settings).read("SELECT 1", {}))
    assert asked.pools == ["writer", "writer"]


def test_a_full_pool_is_not_waited_for_twice(
    monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    """Broken: under overload every request waits twice as long before it is refused."""
    asked = Asked(monkeypatch, DatabaseBusy())
    with pytest.raises(DatabaseBusy):
        asyncio.run(Database(settings).read("SELECT 1", {}))
    assert asked.pools == ["writer"]


def test_a_write_is_sent_once(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> None:
    """Broken: a post appears twice, because the answer to the first try was lost."""
    asked = Asked(monkeypatch, DatabaseUnavailable())
    with pytest.raises(DatabaseUnavailable):
        asyncio.run(Database(settings).write("INSERT", {}))
    assert asked.pools == ["writer"]


def test_a_violated_constraint_is_what_the_call_says_it_is(
    monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    """Broken: a taken address is answered with 500."""
    Asked(monkeypatch, violation("users_email_key"))
    with pytest.raises(EmailTaken):
        asyncio.run(Database(settings).write("INSERT", {}, {"users_email_key": EmailTaken}))


@pytest.mark.parametrize("constraint", ["posts_views_positive", None])
def test_a_constraint_that_nobody_foresaw_is_our_mistake(
    monkeypatch: pytest.MonkeyPatch, settings: Settings, constraint: str | None
) -> None:
    """Broken: a mistake of ours is called a taken address."""
    Asked(monkeypatch, violation(constraint))
    with pytest.raises(exc.IntegrityError):
        asyncio.run(Database(settings).write("INSERT", {}, {"users_email_key": EmailTaken}))


@pytest.mark.parametrize(
    ("trouble", "meaning"),
    [
        (exc.TimeoutError("pool"), DatabaseBusy),
        (exc.OperationalError("", {}, psycopg.OperationalError()), DatabaseUnavailable),
        (exc.OperationalError("", {}, psycopg.errors.QueryCanceled()), DatabaseUnavailable),
        (exc.OperationalError("", {}, psycopg.errors.AdminShutdown()), DatabaseUnavailable),
        (exc.InternalError("", {}, psycopg.errors.ReadOnlySqlTransaction()), DatabaseUnavailable),
        (ConnectionRefusedError(), DatabaseUnavailable),
        (exc.ProgrammingError("", {}, psycopg.errors.UndefinedColumn()), exc.ProgrammingError),
        (exc.DataError("", {}, psycopg.errors.NumericValueOutOfRange()), exc.DataError),
    ],
)
def test_only_what_will_pass_is_called_unavailable(
    trouble: Exception, meaning: type[Exception]
) -> None:
    """Broken: a mistyped column is answered with "try again", a restart with 500."""
    assert type(database._failure("writer", trouble)) is meaning  # noqa: SLF001
