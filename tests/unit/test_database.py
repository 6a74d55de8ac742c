"""Promises of `app/database.py`: who is asked, how often, and what an error means."""

import asyncio
from typing import Any

import psycopg
import psycopg_pool
import pytest

from app import pools
from app.database import PRIMARY, Database, Rows, _Behind
from app.errors import DatabaseBusy, DatabaseUnavailable, EmailTaken
from app.pools import Pool
from app.replicas import _Server
from app.settings import Settings
from tests.unit.stories import counted

REPLICAS = (
    "postgresql+psycopg://sluice@/sluice?host=replica-1,replica-2,primary&port=5432,5432,5432"
)


class Asked:
    """Stands in for sending: remembers which pool was asked, and at which position, and answers
    from a list.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *answers: Exception | None) -> None:
        self.pools: list[str] = []
        self.after: list[int] = []
        self.answers = list(answers)

        async def send(_: Database, pool: Pool, _sql: str, _values: Any, *, after: int = 0) -> Rows:
            self.pools.append(pool.name)
            self.after.append(after)
            answer = self.answers.pop(0)
            if answer:
                raise answer
            return [(7,)]

        monkeypatch.setattr(Database, "_send", send)


def with_replicas(settings: Settings) -> Database:
    """A database with replicas."""
    return Database(settings.model_copy(update={"replica_dsn": REPLICAS}))


def violation(constraint: str | None) -> psycopg.IntegrityError:
    """What psycopg raises when this constraint is violated."""

    class Diagnosis:
        constraint_name = constraint

    class Violation(psycopg.errors.UniqueViolation):
        diag = Diagnosis()  # type: ignore[assignment]

    return Violation()


def test_reads_go_to_the_replicas_and_own_reads_to_the_primary(
    monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    """Broken: the primary does all the work, or members do not see what they wrote."""
    asked = Asked(monkeypatch, None, None, None)
    db = with_replicas(settings)
    asyncio.run(db.read("SELECT 1", {}))
    asyncio.run(db.read("SELECT 1", {}, after=4711))
    asyncio.run(db.read("SELECT 1", {}, after=PRIMARY))
    assert asked.pools == ["reader", "reader", "writer"]
    assert asked.after[:2] == [0, 4711], "a replica is asked whether it is that far"


def test_who_is_not_there_yet_is_stood_in_for_by_the_primary(
    monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    """Broken: a member does not see what they wrote, because the replica that was asked lags."""
    behind = counted("sluice_db_behind_total")
    asked = Asked(monkeypatch, _Behind(), None)
    asyncio.run(with_replicas(settings).read("SELECT 1", {}, after=4711))
    assert asked.pools == ["reader", "writer"]
    assert counted("sluice_db_behind_total") == behind + 1


def test_a_position_is_asked_of_the_primary_and_only_where_it_serves(
    monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    """Broken: a write costs a second statement at stages that have no use for it, or its position
    is that of a replica, which lacks the write.
    """
    asked: list[str | None] = []

    async def ask(server: _Server) -> int:
        asked.append(server.host)
        return 7

    monkeypatch.setattr(_Server, "ask", ask)
    assert asyncio.run(Database(settings).position()) == 0
    assert asked == []
    assert asyncio.run(with_replicas(settings).position()) == 7
    assert asked == [None], "no replica: the primary"


def test_new_connections_lead_to_who_may_serve(settings: Settings) -> None:
    """Broken: a replica that is far behind serves old pages, or nobody serves when all are."""
    db = with_replicas(settings)
    replicas = db._replicas  # noqa: SLF001 - what the watch knows
    assert replicas is not None
    hosts = db._reader_hosts  # noqa: SLF001
    assert hosts() == ["primary"], "before anything is known"
    replicas._hear_primary(0, 100)  # noqa: SLF001
    known = replicas._replicas  # noqa: SLF001
    for name, expected in (("replica-2", ["replica-2", "primary"]), ("replica-1", None)):
        known[name].answers, known[name].fresh_at = True, float("inf")
        assert hosts() == (expected or ["replica-1", "replica-2", "primary"])


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
    with pytest.raises(psycopg.IntegrityError):
        asyncio.run(Database(settings).write("INSERT", {}, {"users_email_key": EmailTaken}))


def failure(settings: Settings, trouble: Exception) -> Exception:
    """What a request is told about this trouble."""

    async def story() -> Exception:
        db = Database(settings)
        return await db._failure(db._writer, trouble)  # noqa: SLF001 - the one place that says so

    return asyncio.run(story())


@pytest.mark.parametrize(
    ("trouble", "meaning", "reason"),
    [
        (psycopg_pool.PoolTimeout(), DatabaseBusy, "pool"),
        (psycopg_pool.TooManyRequests(), DatabaseBusy, "pool"),
        (psycopg_pool.PoolClosed(), DatabaseUnavailable, "gone"),
        (psycopg.OperationalError(), DatabaseUnavailable, "gone"),
        (psycopg.InterfaceError(), DatabaseUnavailable, "gone"),
        (psycopg.errors.QueryCanceled(), DatabaseUnavailable, "timeout"),
        (psycopg.errors.LockNotAvailable(), DatabaseUnavailable, "timeout"),
        (psycopg.errors.AdminShutdown(), DatabaseUnavailable, "gone"),
        (psycopg.errors.ReadOnlySqlTransaction(), DatabaseUnavailable, "gone"),
        (ConnectionRefusedError(), DatabaseUnavailable, "gone"),
        (psycopg.errors.UndefinedColumn(), psycopg.errors.UndefinedColumn, None),
        (
            psycopg.errors.NumericValueOutOfRange(),
            psycopg.errors.NumericValueOutOfRange,
            None,
        ),
    ],
)
def test_only_what_will_pass_is_called_unavailable(
    monkeypatch: pytest.MonkeyPatch,
    settings: Settings,
    trouble: Exception,
    meaning: type[Exception],
    reason: str | None,
) -> None:
    """Broken: a mistyped column is answered with "try again", a restart with 500; or a dashboard
    calls a slow statement a dead server.
    """
    monkeypatch.setattr(Pool, "is_empty", lambda _: False)
    before = counted("sluice_db_failures_total", pool="writer", reason=reason or "")
    assert type(failure(settings, trouble)) is meaning
    after = counted("sluice_db_failures_total", pool="writer", reason=reason or "")
    assert after == before + (reason is not None)


def test_a_pool_without_any_connection_says_that_the_server_is_gone(
    monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    """Broken: the server is down, and the dashboard says that the pool is too small."""
    monkeypatch.setattr(Pool, "is_empty", lambda _: True)
    before = counted("sluice_db_failures_total", pool="writer", reason="gone")
    assert type(failure(settings, psycopg_pool.PoolTimeout())) is DatabaseBusy
    assert counted("sluice_db_failures_total", pool="writer", reason="gone") == before + 1


@pytest.mark.parametrize(
    ("dsn", "hosts"),
    [
        (REPLICAS, ["replica-1", "replica-2", "primary"]),
        (
            "postgresql+psycopg://sluice@replica-1:5432,replica-2:5432/sluice",
            ["replica-1", "replica-2"],
        ),
        ("postgresql+psycopg:///sluice", []),
    ],
)
def test_hosts_are_read_from_a_dsn_as_libpq_reads_them(dsn: str, hosts: list[str]) -> None:
    """Broken: one of the usual ways to write an address, and no replica is watched."""
    assert pools.hosts_of(dsn) == hosts
