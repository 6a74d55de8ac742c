"""What a cached read takes. Unlike times, these numbers have no noise: a change of one is a change.

They guard this path against getting dearer unseen. They do not rank designs: a call may cost
anything, and `make bench` measures what all of them cost.
"""

import json
import subprocess
import sys
from typing import Any

import pytest

# Function calls of the whole application for one hit, without the server's. Whoever changes this
# number says in the commit what it buys, or how it was saved.
CALLS = 136
TOLERATED = 3


@pytest.fixture(scope="module")
def counted() -> dict[str, Any]:
    """A hundred cached reads of the real application, counted."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.unit.hot_path"],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    found: dict[str, Any] = json.loads(done.stdout)
    assert found["status"] == 200, found
    return found


def test_a_hit_is_one_command_and_no_statement(counted: dict[str, Any]) -> None:
    """Broken: a read that should end at Redis asks it twice, or asks the database as well."""
    assert set(counted["commands"]) == {"GET"}
    assert len(counted["commands"]) == 100
    # There is no database behind this: a statement would have been a 503.
    assert counted["headers"]["server-timing"].startswith("cache;desc=hit"), counted["headers"]
    assert "db;" not in counted["headers"]["server-timing"]


def test_a_hit_takes_no_more_calls_than_it_did(counted: dict[str, Any]) -> None:
    """Broken: a layer or a library made every read dearer, and nobody noticed."""
    assert counted["calls"] == pytest.approx(CALLS, abs=TOLERATED)
