"""What the crowd counts is right, can be added up, and says when it must not be used."""

import json
from random import Random

import pytest

from loadtest.counted import Counted, bucket, knee, summary


def counted(latencies: list[float], *, failed: int = 0, cpu: float = 0.2) -> Counted:
    """One process that sent these within ten seconds, with this share of its CPU."""
    process = Counted()
    for number, ms in enumerate(latencies):
        process.request(5.0, "GET /", ms, failed=number < failed)
    process.slices[0].cpu_s, process.slices[0].watched_s = cpu * 10, 10.0
    return process


def test_percentiles_are_right_to_three_digits() -> None:
    """Broken: 6.4 ms is told as 6, and two tools that agree seem to differ."""
    dice = Random(1)
    latencies = sorted(dice.lognormvariate(2, 1) for _ in range(20_000))
    told = summary([counted(latencies)], 10)
    for name, share in (("p50_ms", 0.5), ("p95_ms", 0.95), ("p99_ms", 0.99), ("p99_9_ms", 0.999)):
        assert told[name] == pytest.approx(latencies[int(len(latencies) * share) - 1], rel=0.006)


@pytest.mark.parametrize("ms", [0.0, 0.0004, 0.123, 1.0, 99.96, 999.9, 20_000.4])
def test_a_bucket_is_near_what_it_holds(ms: float) -> None:
    """Broken: a latency is counted as another."""
    assert bucket(ms) / 1000 == pytest.approx(ms, rel=0.006, abs=0.001)


def test_workers_add_up_as_if_they_were_one() -> None:
    """Broken: distributed, percentiles are averaged, or a report counts twice."""
    dice = Random(2)
    latencies = [dice.expovariate(0.1) for _ in range(3000)]
    alone = counted(latencies, failed=3)
    first, second = counted(latencies[:1000], failed=3), counted(latencies[1000:])
    master = [Counted(), Counted()]
    for here, worker in zip(master, (first, second), strict=True):
        here.put(json.loads(json.dumps(worker.take())))
        here.put(json.loads(json.dumps(worker.take())))
    together = summary(master, 10)
    expected = summary([alone], 10)
    assert together["routes"] == expected["routes"]
    assert together["failures"] == 3
    assert together["requests"] == 3000


def test_a_generator_without_cpu_makes_the_numbers_unusable() -> None:
    """Broken: the load generator's limit is published as the site's."""
    told = summary([counted([1.0] * 50, cpu=0.2), counted([1.0] * 50, cpu=0.97)], 10)
    assert told["usable"] is False
    assert "97%" in told["reason"]
    assert summary([counted([1.0] * 50, cpu=0.5)], 10)["usable"] is True


def test_a_late_event_loop_makes_the_numbers_unusable() -> None:
    """Broken: a generator that others keep from its CPU blames the site."""
    process = counted([1.0] * 50)
    process.slices[0].late.update({bucket(1): 180, bucket(300): 20})
    told = summary([process], 10)
    assert told["usable"] is False
    assert "300 ms late" in told["reason"]
    process.slices[0].late = type(process.slices[0].late)({bucket(1): 198, bucket(300): 2})
    assert summary([process], 10)["usable"] is True


def test_one_bad_moment_of_a_long_run_is_marked_and_forgiven() -> None:
    """Broken: an hour is thrown away for one pause of the machine, or the pause is hidden."""
    process = counted([1.0])
    for number in range(20):
        here = process.at(number * 10)
        here.cpu_s, here.watched_s = (9.9 if number == 7 else 1.0), 10.0
    told = summary([process], 200)
    assert told["usable"] is True
    assert [one["from_s"] for one in told["slices"] if not one["usable"]] == [70]


def test_the_knee_is_the_highest_rate_that_is_still_served_well() -> None:
    """Broken: a rate with failures, or one that nobody would wait for, is called good."""
    process = Counted()
    for number, (requests, ms, failed) in enumerate(
        [(100, 10, 0), (300, 100, 0), (400, 900, 0), (500, 20, 5)]
    ):
        for nth in range(requests):
            process.request(number * 10, "GET /", ms, failed=nth < failed)
    best = knee(summary([process], 40)["slices"])
    assert best is not None
    assert (best["from_s"], best["rps"]) == (10, 30.0)
    assert knee(summary([process], 40)["slices"][2:]) is None
