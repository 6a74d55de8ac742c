"""Each shape has as many people at each moment as its name says."""

import pytest

from loadtest.curves import Asked, ramp, soak, spike, steady


def test_steady_is_the_same_until_the_end() -> None:
    """Broken: a run does not end, or not with what was asked for."""
    asked = Asked(people=50, rate=5, seconds=60)
    assert steady(0, asked) == steady(59.9, asked) == (50, 5)
    assert steady(60, asked) is None
    assert steady(1e9, Asked(people=50, rate=5, seconds=None)) == (50, 5)


def test_a_ramp_climbs_in_ten_equal_steps() -> None:
    """Broken: the knee lies between two steps that are far apart."""
    asked = Asked(people=200, rate=5, seconds=100)
    steps = [ramp(second, asked) for second in range(100)]
    assert [step[0] for step in steps[::10] if step] == list(range(20, 201, 20))
    assert all(steps[n] == steps[n - n % 10] for n in range(100))
    assert ramp(100, asked) is None


@pytest.mark.parametrize("factor", [10, 100])
def test_a_spike_is_there_within_seconds_and_leaves_again(factor: int) -> None:
    """Broken: the ticket opening is a gentle hill."""
    asked = Asked(people=10, rate=2, seconds=60, factor=factor)
    assert spike(19, asked) == (10, 2)
    people, rate = spike(20, asked) or (0, 0.0)
    assert people == 10 * factor
    assert (people - 10) / rate <= 3
    assert (spike(40, asked) or (0, 0))[0] == 10
    assert spike(60, asked) is None


def test_a_soak_fills_slowly_and_holds() -> None:
    """Broken: a soak begins with the shock that a spike is for."""
    asked = Asked(people=100, rate=20, seconds=3600)
    people, rate = soak(0, asked) or (0, 0.0)
    assert people == 100
    assert rate == pytest.approx(100 / 180)
    assert soak(3599, asked) == (people, rate)
    assert soak(3600, asked) is None
