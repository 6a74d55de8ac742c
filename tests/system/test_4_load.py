"""The crowd in each of its shapes, as somebody starts it."""

from __future__ import annotations

import json

import httpx
import pytest

from tests.system.stack import PORTS, containers, must
from tests.system.test_4_commands import complaint
from tests.system.waiting import eventually

PAGES = f"http://127.0.0.1:{PORTS['LOCUST_PORT']}"


@pytest.mark.parametrize(
    ("shape", "sizes", "says"),
    [
        ("ramp", ["USERS=20", "TIME=8s"], "knee: "),
        ("spike", ["USERS=3", "TIME=9s", "FACTOR=10"], "30 users at most"),
        ("soak", ["USERS=5", "TIME=12s", "RATE=5"], "second half: p95"),
        ("open", ["RATE=20", "TIME=5s", "POOL=40"], "0 not served"),
    ],
)
def test_each_shape_runs_and_says_what_it_did(
    stage_5: None, shape: str, sizes: list[str], says: str
) -> None:
    """Broken: a command of the help does something else, or nothing."""
    printed = must("make", f"load-{shape}", *sizes)
    assert f"\n{shape}: " in printed
    assert ", 0 failed, " in printed
    assert says in printed
    assert "\np50 " in printed
    assert "\ngenerator: " in printed


def test_workers_share_the_load_and_their_counts_are_summed(stage_5: None) -> None:
    """Broken: the second core sends nothing, or a table shows one worker's half."""
    printed = must("make", "load", "USERS=20", "TIME=10s", "RATE=20", "WORKERS=2", "SUMMARY=json")
    line = next(line for line in printed.splitlines() if line.startswith("SLUICE_SUMMARY "))
    told = json.loads(line.removeprefix("SLUICE_SUMMARY "))
    assert told["generator"]["processes"] == 3  # and the master
    assert told["users"] == 20
    assert told["failures"] == 0
    # Each of the 20 opens the page first; a name or a number that two share would fail a sign-up.
    assert told["routes"]["GET /"]["requests"] >= 20
    assert not any(service == "locust" for service, _ in containers())


@pytest.mark.parametrize(
    ("command", "variable", "value"),
    [
        ("load-spike", "FACTOR", "1"),
        ("load-spike", "FACTOR", "101"),
        ("load-open", "RATE", "0"),
        ("load-open", "POOL", "x"),
        ("load-open", "ARRIVALS", "sometimes"),
        ("load-open", "ROUTE", "api"),
        ("load", "WORKERS", "0"),
    ],
)
def test_wrong_sizes_of_a_shape_are_named(
    stage_5: None, command: str, variable: str, value: str
) -> None:
    """Broken: Locust starts with something else than what was asked for."""
    assert f"{variable}={value}" in complaint("make", command, f"{variable}={value}")


def test_the_shapes_can_be_chosen_in_the_pages(stage_5: None) -> None:
    """Broken: who works with Locust's pages can send the steady crowd alone."""
    must("make", "locust")
    try:
        page = httpx.get(PAGES, timeout=20).text
        assert all(f'"{shape}"' in page for shape in ("Open", "Ramp", "Soak", "Spike", "Steady"))
        asked = {"user_count": 40, "spawn_rate": 20, "run_time": "5s", "shape_class": "Open"}
        answer = httpx.post(f"{PAGES}/swarm", data=asked, timeout=20).json()
        assert answer["success"], answer

        def served() -> None:
            told = httpx.get(f"{PAGES}/stats/requests", timeout=20).json()
            assert told["state"] == "stopped"
            # A hundred arrivals, by dice, and the first of each person brings the page along.
            assert told["stats"][-1]["num_requests"] > 50
            assert told["stats"][-1]["num_failures"] == 0

        eventually(served, within_s=60)
    finally:
        must("docker", "rm", "--force", *must(
            "docker", "ps", "--quiet", "--filter", "label=com.docker.compose.service=locust",
            "--filter", f"publish={PORTS['LOCUST_PORT']}",
        ).split())  # fmt: skip
