"""The last words of a run say what its shape is for."""

from typing import Any

from loadtest.counted import Counted, knee, summary
from loadtest.told import in_words


def run_of(shape: str, latencies_ms: list[float]) -> dict[str, Any]:
    """A run with ten requests of this latency in each of its slices."""
    process = Counted()
    for number, ms in enumerate(latencies_ms):
        for _ in range(10):
            process.request(number * 10, "GET /", ms, failed=ms > 900)
    return {"shape": shape, **summary([process], 10 * len(latencies_ms))}


def test_a_spike_is_told_before_during_and_after() -> None:
    """Broken: the minute of the spike vanishes in the average of the run."""
    words = in_words(run_of("spike", [10, 20, 950, 800, 40, 30]))
    assert "before: p95 at most 20.0 ms in any ten seconds, 0 failed" in words
    assert "during: p95 at most 950.0 ms in any ten seconds, 10 failed" in words
    assert "after: p95 at most 40.0 ms in any ten seconds, 0 failed" in words


def test_a_soak_is_compared_with_its_own_beginning() -> None:
    """Broken: what grows for hours is not seen."""
    words = in_words(run_of("soak", [10, 10, 10, 60]))
    assert "first half: p95 at most 10.0 ms" in words
    assert "second half: p95 at most 60.0 ms" in words


def test_a_ramp_names_its_knee_or_says_that_it_began_above_it() -> None:
    """Broken: a ramp ends with a table and no answer."""
    climbed = run_of("ramp", [10, 20, 900])
    assert "knee: 1.0 a second" in in_words({**climbed, "knee": knee(climbed["slices"])})
    assert "knee: below the first step" in in_words({**climbed, "knee": None})
