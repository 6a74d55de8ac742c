"""Promises of `app/replicas.py`: who may serve, by what the servers say (here: the test)."""

import asyncio
import time

import pytest

from app import replicas as replicas_module
from app.replicas import Replica, Replicas, _Server
from app.settings import Settings
from tests.unit.stories import counted

LAG_MAX_S = 5.0


class Watch:
    """Two replicas, and a clock that the test turns."""

    def __init__(self, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1000.0
        monkeypatch.setattr(time, "monotonic", lambda: self.now)
        known = settings.model_copy(update={"db_replica_lag_max_s": LAG_MAX_S})
        self.replicas = Replicas(["one", "two"], known, lambda: None)

    def hear(self, primary: int | None, **replicas: int | None) -> None:
        """A second later: what each of them answers; None: nothing."""
        self.now += 1
        self.replicas._hear_primary(self.now, primary)  # noqa: SLF001 - what the watch is told
        for name, position in replicas.items():
            self.replicas._hear_replica(self.of(name), position)  # noqa: SLF001

    def of(self, name: str) -> Replica:
        """What is known of this one."""
        return self.replicas._replicas[name]  # noqa: SLF001

    def lag_s(self, name: str) -> float:
        """Its lag now."""
        return self.replicas.lag_s(self.of(name), self.now)

    def usable(self) -> set[str]:
        """Who may serve."""
        return set(self.replicas.usable())


@pytest.fixture
def watch(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Watch:
    """A watch that has heard nothing."""
    return Watch(settings, monkeypatch)


def test_who_has_said_nothing_does_not_serve(watch: Watch) -> None:
    """Broken: at a start the first reads go to a replica that is hours behind."""
    assert watch.usable() == set()
    watch.hear(100)
    assert watch.usable() == set()
    assert watch.replicas.replayed("one") == -1


def test_who_has_all_serves(watch: Watch) -> None:
    """Broken: the primary does all the work."""
    watch.hear(100, one=100, two=150)
    assert watch.usable() == {"one", "two"}
    assert watch.lag_s("one") == 0
    assert watch.replicas.replayed("one") == 100


def test_an_idle_primary_makes_nobody_late(watch: Watch) -> None:
    """Broken: at night, when nobody writes, all replicas are left alone as too far behind."""
    for _ in range(60):
        watch.hear(100, one=100)
    assert watch.lag_s("one") == 0
    assert watch.usable() == {"one"}


def test_who_stops_replaying_grows_late_and_leaves_and_comes_back(watch: Watch) -> None:
    """Broken: a replica whose replay is stuck serves pages of an hour ago."""
    watch.hear(100, one=100, two=100)
    for second in range(1, 5):
        watch.hear(100 + second, one=100, two=100 + second)
        assert watch.lag_s("one") == second
        assert watch.usable() == {"one", "two"}
    watch.hear(105, one=100, two=105)
    watch.hear(106, one=100, two=106)
    assert watch.lag_s("one") == 6
    assert watch.usable() == {"two"}
    watch.hear(107, one=104, two=107)
    assert watch.lag_s("one") == 3, "it has what the primary had three seconds ago"
    assert watch.usable() == {"one", "two"}


def test_who_is_far_behind_from_the_start_does_not_serve(watch: Watch) -> None:
    """Broken: a replica that is being built serves what it has so far."""
    watch.hear(1000, one=7)
    assert watch.usable() == set()


def test_without_the_primary_the_time_stands_still(watch: Watch) -> None:
    """Broken: the primary dies, and seconds later nobody may read either."""
    watch.hear(100, one=100, two=50)
    for _ in range(60):
        watch.hear(None, one=100, two=50)
    assert watch.lag_s("one") == 0
    assert watch.usable() == {"one"}, "nor does who lagged become fresh by that"
    watch.hear(101, one=100)
    watch.hear(101, one=101)
    assert watch.usable() == {"one"}


def test_a_replica_may_serve_when_there_never_was_a_primary(watch: Watch) -> None:
    """Broken: a web replica that starts while the primary is away answers nothing."""
    watch.hear(None, one=100)
    assert watch.usable() == {"one"}


def test_who_does_not_answer_leaves_at_once(watch: Watch) -> None:
    """Broken: a replica that is gone gets its share of the reads until each has failed."""
    watch.hear(100, one=100, two=100)
    watch.hear(100, one=None, two=100)
    assert watch.usable() == {"two"}
    watch.hear(100, one=100, two=100)
    assert watch.usable() == {"one", "two"}


def test_what_a_read_learned_is_kept_and_never_goes_back(watch: Watch) -> None:
    """Broken: each read after a write asks the replica again how far it is."""
    watch.hear(100, one=100)
    watch.replicas.note("one", 250)
    watch.replicas.note("one", 200)
    assert watch.replicas.replayed("one") == 250
    watch.replicas.note("primary", 9)
    assert watch.replicas.replayed("primary") == -1


class Primary:
    """A primary's log, and the line to it. `answers` are what it says instead, in turn."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *answers: int | None) -> None:
        self.log = 0
        self.questions = 0
        self._answers = list(answers)
        monkeypatch.setattr(_Server, "ask", lambda _: self._ask())

    async def _ask(self) -> int | None:
        """Answers what is committed when the question arrives, and takes its time to say it."""
        self.questions += 1
        position = self._answers.pop(0) if self._answers else self.log
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        return position


def test_who_writes_while_a_question_is_under_way_waits_for_the_next(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Broken: a writer is given a position of before the commit, and reads the old value."""
    primary = Primary(monkeypatch)

    async def write(replicas: Replicas, turns: int) -> tuple[int, int | None]:
        for _ in range(turns):
            await asyncio.sleep(0)
        primary.log += 1
        return primary.log, await replicas.position()

    async def story() -> None:
        replicas = Replicas(["one"], settings, lambda: None)
        for written, position in await asyncio.gather(*(write(replicas, n % 9) for n in range(90))):
            assert position is not None
            assert position >= written
        assert primary.questions < 9, "one question for all who wait"
        assert await replicas.position() == primary.log, "and whoever comes later is told as well"

    asyncio.run(story())


@pytest.mark.parametrize("more_come", [False, True])
def test_one_question_waits_for_those_who_are_about_to_come(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, *, more_come: bool
) -> None:
    """Broken: ten writes at once cost ten questions; or a write waits although nobody comes."""
    primary = Primary(monkeypatch)
    monkeypatch.setattr(replicas_module, "_TOGETHER_S", 0.2)

    async def story() -> None:
        replicas = Replicas(["one"], settings, lambda: None)
        first = asyncio.create_task(replicas.position(more_come=more_come))
        for _ in range(3):
            await asyncio.sleep(0)
        primary.log += 1
        assert await replicas.position() == primary.log
        await first

    asyncio.run(story())
    assert primary.questions == (1 if more_come else 2)


@pytest.mark.parametrize(("answers", "told"), [((None, 5), 5), ((None, None), None)])
def test_a_line_that_was_cut_while_it_was_idle_costs_no_writer_an_error(
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    answers: tuple[int | None, ...],
    told: int | None,
) -> None:
    """Broken: after the primary's restart somebody's write is done and called failed; or a primary
    that is gone is asked for ever.
    """
    primary = Primary(monkeypatch, *answers)

    async def story() -> None:
        assert await Replicas(["one"], settings, lambda: None).position() == told

    asyncio.run(story())
    assert primary.questions == 2


def test_a_primary_that_fell_silent_makes_no_replica_late(
    watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Broken: writers ask a silent primary in turn, its watch waits behind them, and meanwhile
    replicas that have everything are left alone for their lag.
    """
    watch.hear(100, one=100)

    async def silence(_: _Server) -> None:
        watch.now += 1.5

    monkeypatch.setattr(_Server, "ask", silence)
    failed = counted("sluice_db_failures_total", pool="writer", reason="gone")
    answered = counted("sluice_db_statements_total", role="primary")
    assert asyncio.run(watch.replicas.position()) is None
    assert counted("sluice_db_failures_total", pool="writer", reason="gone") == failed + 1
    assert counted("sluice_db_statements_total", role="primary") == answered
    assert watch.now == 1002.5, "asked once: it did say nothing, and not that it is gone"
    watch.now += LAG_MAX_S + 1
    assert watch.usable() == {"one"}
