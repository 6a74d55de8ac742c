"""Promises of `stages/log_lines.py`, which `make logs` searches and sorts with."""

import json
import random
from typing import Any

import pytest

from stages import log_lines
from stages.log_lines import Line

ID = "f" * 32


def line(container: str, at: str, /, **said: Any) -> Line:
    """A line that the engine took a second later than its service wrote it."""
    day, second = "2026-11-26T09:17", f"{float(at) + 1:09.6f}000Z"
    said = {"time": f"{day}:{float(at):09.6f}Z", "request_id": ID, **said}
    return Line(container, f"{day}:{second}", json.dumps(said))


# Written in the opposite order: who is in front is done last.
SIGN_UP = [
    line("edge-1", "10.120", seconds=0.110),
    line("lb-1", "10.119", seconds=0.109),
    line("web-2", "10.100000", event="cache_paused"),
    line("web-2", "10.118300", ms=107.9),
    line("relay-1", "10.150", ms=12.0),
    line("worker-1", "10.145", ms=5.5),
]


def test_one_request_is_in_the_order_in_which_things_began() -> None:
    """Broken: the answer of the balancer is told before the work that it waited for."""
    others = [line("web-1", "10.111", request_id="0" * 32), Line("redis-1", "2026", "7:M ready")]
    mixed = [*SIGN_UP, *others]
    for seed in range(20):
        random.Random(seed).shuffle(mixed)
        told = log_lines.of_request(mixed, ID)
        assert [one.container.split("-")[0] for one in told] == [
            "edge", "lb", "web", "web", "relay", "worker",
        ]  # fmt: skip
        assert "ms" in told[2].fields


def test_of_two_in_the_same_instant_the_outer_hop_comes_first() -> None:
    """Broken: edge and balancer change places from one look to the next."""
    told = log_lines.in_order(
        [line("lb-1", "2.5", seconds=0.1), line("edge-1", "2.5", seconds=0.1)]
    )
    assert [one.container for one in told] == ["edge-1", "lb-1"]


def test_what_has_no_time_of_its_own_has_the_engines() -> None:
    """Broken: plain lines of a database stand at the beginning of all time."""
    plain = Line("primary-1", "2026-11-26T09:17:10.500000001Z", "time=… LOG: ready")
    odd = Line("web-1", "2026-11-26T09:17:10.600000Z", '{"time": 7, "ms": "long"}')
    before, after = line("web-1", "10.4"), line("web-1", "10.7")
    assert log_lines.in_order([after, odd, plain, before]) == [before, plain, odd, after]


@pytest.mark.parametrize(
    ("printed", "found"),
    [
        (
            "web-1        | 2026-11-26T09:17:12.123456789Z {}",
            Line("web-1", "2026-11-26T09:17:12.123456789Z", "{}"),
        ),
        ("a-1-1 | 2026-11-26T09:17:12Z a | b", Line("a-1-1", "2026-11-26T09:17:12Z", "a | b")),
        ("web-1 exited with code 0", None),
        ("", None),
    ],
)  # fmt: skip
def test_the_engines_lines_are_read(printed: str, found: Line | None) -> None:
    """Broken: a line is cut, or somebody's note becomes one."""
    assert log_lines.of_engine(printed) == found


@pytest.mark.parametrize(
    ("words", "is_found"),
    [
        (["REQUEST_answered"], True),
        (["status:503"], True),
        (["status:50"], False),
        (["path:/api/posts", "web"], False),
        (["/api/posts", "503"], True),
        (["http://x"], False),
        ([], True),
    ],
)
def test_words_and_whole_fields_are_found(words: list[str], *, is_found: bool) -> None:
    """Broken: a search finds what was not asked for, or not what was."""
    said = line("lb-1", "1", event="request_answered", status=503, path="/api/posts/7")
    assert log_lines.matches(said, words) is is_found


@pytest.mark.parametrize(
    ("question", "is_more"),
    [
        ("job_failed", False),
        ("event:job_failed worker-1", False),
        ('"database system is ready (1)"', False),
        ("status:>499", True),
        ("a or b", True),
        ("* | stats count()", True),
        ("kind:=x", True),
    ],
)
def test_what_only_the_store_understands_is_known(question: str, *, is_more: bool) -> None:
    """Broken: LogsQL is searched for as text, nothing is found, and that looks like an answer."""
    assert log_lines.needs_the_store(question) is is_more
