"""Promises of `app/circuit.py`."""

import pytest

from app import circuit
from app.circuit import Circuit


class Clock:
    """A clock that is set by hand."""

    now = 100.0

    def monotonic(self) -> float:
        """Seconds."""
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The circuit's clock."""
    found = Clock()
    monkeypatch.setattr(circuit, "time", found)
    return found


def test_after_a_failure_the_part_is_left_alone(clock: Clock) -> None:
    """Broken: every request pays the deadline of a Redis that hangs."""
    broken = Circuit(pause_s=1)
    assert broken.admits()
    broken.failed()
    clock.now += 0.05
    assert not broken.admits()


def pauses(broken: Circuit, clock: Clock, *, times: int) -> list[float]:
    """Fail as often as is asked; how long it was left alone each time."""
    found = []
    for _ in range(times):
        broken.failed()
        began = clock.now
        while not broken.admits():
            clock.now += 1 / 64
        found.append(clock.now - began)
    return found


def test_it_is_left_alone_for_longer_as_long_as_it_fails(clock: Clock) -> None:
    """Broken: a moment's failure costs a second of cache, or a long one a deadline each time."""
    broken = Circuit(pause_s=1)
    assert pauses(broken, clock, times=6) == [1 / 16, 1 / 8, 1 / 4, 1 / 2, 1, 1]


def test_what_fails_again_at_once_goes_on_with_longer_pauses(clock: Clock) -> None:
    """Broken: a part that answers now and then costs a deadline sixteen times a second."""
    broken = Circuit(pause_s=1)
    pauses(broken, clock, times=2)
    broken.succeeded()
    clock.now += 0.5
    assert pauses(broken, clock, times=1) == [1 / 4]
    broken.succeeded()
    clock.now += 1.5
    assert pauses(broken, clock, times=1) == [1 / 16]


def test_after_the_pause_one_request_tries_for_all(clock: Clock) -> None:
    """Broken: all requests that wait pay the deadline together, once a second."""
    broken = Circuit(pause_s=1)
    broken.failed()
    clock.now += 1.1
    assert [broken.admits() for _ in range(3)] == [True, False, False]
    clock.now += 1.1
    assert broken.admits(), "a probe that never came back must not be the last one"


def test_success_closes_it_for_all(clock: Clock) -> None:
    """Broken: Redis is back and the database goes on doing its work."""
    broken = Circuit(pause_s=1)
    broken.failed()
    clock.now += 1.1
    assert broken.admits()
    broken.succeeded()
    assert all(broken.admits() for _ in range(3))


def test_the_change_is_told_once() -> None:
    """Broken: the log says of every single request that Redis is away."""
    broken = Circuit(pause_s=1)
    assert [broken.failed(), broken.failed()] == [True, False]
    assert [broken.succeeded(), broken.succeeded()] == [True, False]
