"""Promises of `app/tallies.py`: the same numbers as prometheus_client's own would tell."""

from prometheus_client import REGISTRY, CollectorRegistry, Histogram, generate_latest

from app.tallies import Durations, Tally

BOUNDS = (0.001, 0.05, 1, 2.5)
# Below all bounds, on each of them, between, and above.
SECONDS = (0.0, 0.001, 0.0011, 0.05, 0.3, 1, 1.0, 2.5, 7.25)


def told(name: str) -> list[str]:
    """The lines of a metric, without what describes it."""
    lines = generate_latest(REGISTRY).decode().splitlines()
    return [line for line in lines if line.startswith(name)]


def test_a_counter_counts_each_of_its_labels() -> None:
    """Broken: requests of one route are counted for another, or not at all."""
    tally = Tally("test_tally", "For this test.", ["route", "status"])
    for _ in range(3):
        tally.count("/a", "200")
    tally.count("/a", "404")
    assert told("test_tally_total") == [
        'test_tally_total{route="/a",status="200"} 3.0',
        'test_tally_total{route="/a",status="404"} 1.0',
    ]


def test_a_histogram_is_the_one_that_prometheus_client_would_make() -> None:
    """Broken: percentiles on dashboards are not those of the requests."""
    ours = Durations("test_durations_seconds", "For this test.", ["route"], BOUNDS)
    registry = CollectorRegistry()
    theirs = Histogram(
        "test_durations_seconds", "For this test.", ["route"], buckets=BOUNDS, registry=registry
    )
    for seconds in SECONDS:
        ours.observe(seconds, "/a")
        theirs.labels("/a").observe(seconds)
    expected = [
        line
        for line in generate_latest(registry).decode().splitlines()
        if not line.startswith("#") and "_created" not in line
    ]
    assert sorted(told("test_durations_seconds")) == sorted(expected)


def test_what_was_never_counted_is_described_all_the_same() -> None:
    """Broken: a fresh process has no such metric, and a query over all of them fails."""
    Tally("test_untouched", "For this test.", ["route"])
    assert "# TYPE test_untouched_total counter" in generate_latest(REGISTRY).decode()
