"""`make ablate-NAME` in its shortest form: a stack of its own comes, is measured, and goes."""

from __future__ import annotations

import json

from tests.system.stack import PROJECT, ROOT, must, run

OWN = f"label=com.docker.compose.project={PROJECT}-ablate"


def test_one_load_for_a_crowd_is_seen_to_be_one() -> None:
    """Broken: the switch does nothing, or what is counted is not what the database did."""
    command = ("bin/ablate", "single-flight", "--rounds", "1")
    printed = must(*command, within_s=180, SEED_USERS="2000", SEED_POSTS="5000")
    file = ROOT / printed.splitlines()[-1]
    try:
        found = json.loads(file.read_text())
    finally:
        file.unlink()
    statements = {
        way: figures["statements_a_crowd"]["median"] for way, figures in found["ways"].items()
    }
    # One for each crowd. Without it, as many as have come before the first of them is answered.
    assert 1 <= statements["on"] < 2
    assert statements["off"] > 5 * statements["on"]
    assert must("docker", "ps", "--all", "--quiet", "--filter", OWN) == ""
    assert must("docker", "volume", "ls", "--quiet", "--filter", OWN) == ""


def test_an_unknown_technique_is_told_the_names() -> None:
    """Broken: a traceback, or a stack that starts for nothing."""
    done = run("make", "ablate-everything", within_s=30)
    assert done.returncode != 0
    told = [line for line in done.stderr.splitlines() if line.startswith("ablate: ")]
    assert len(told) == 1
    assert "single-flight" in told[0]


def test_without_a_name_all_techniques_are_listed() -> None:
    """Broken: nobody finds out which there are."""
    printed = must("make", "ablate", within_s=30).splitlines()
    assert len(printed) == 10
    assert any(line.startswith("make ablate-least-conn ") for line in printed)
