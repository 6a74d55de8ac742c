"""`make doctor` names what was planted, and only that. All cases: `make drill-doctor`."""

from __future__ import annotations

import json
import re

import pytest

from tests.system.stack import container, must, run, sql
from tests.system.test_4_commands import complaint
from tests.system.waiting import eventually

# At one stage, so that most of the time is load. A minute each: what is looked at is its end.
QUICK = ("idle", "db-cpu", "lock")


@pytest.mark.parametrize("minutes", ["0", "x", "-3", "1e9", "61", ""])
def test_wrong_minutes_are_named(minutes: str) -> None:
    """Broken: a traceback, or an answer about other minutes."""
    assert "make doctor MINUTES=3" in complaint("make", "doctor", f"MINUTES={minutes}")


def test_a_moment_to_come_is_refused() -> None:
    """Broken: an empty future is called healthy."""
    assert "not later than now" in complaint("bin/doctor", "--at", "99999999999")


def test_an_unknown_case_is_named() -> None:
    """Broken: the drill runs for half an hour, and not what was asked for."""
    assert "choose among" in complaint("make", "drill-doctor", "CASE=lock bogus")


def test_without_a_stack_it_says_so() -> None:
    """Broken: a traceback where a person forgot to start a stage."""
    assert "make stage-1" in complaint("make", "doctor", COMPOSE_PROJECT_NAME="sluice-nobody")


def test_without_monitoring_it_says_so(stage_5: None) -> None:
    """Broken: "nothing is saturated" where nothing was looked at."""
    must("docker", "stop", container("prometheus"))
    try:
        assert "MONITORING=off" in complaint("make", "doctor")
    finally:
        must("docker", "start", container("prometheus"))


def test_of_a_time_before_all_it_knows_nothing(stage_5: None) -> None:
    """Broken: a stack that did not exist is called healthy."""

    def check() -> None:
        assert "knows nothing" in complaint("bin/doctor", "--at", "1000000")

    eventually(check, within_s=30)  # Prometheus may have just been started


def test_it_names_what_is_planted_and_nothing_at_rest(stage_5: None) -> None:
    """Broken: a person relieves the wrong part, or one that needs no relief."""
    cpus = ("docker", "inspect", "--format", "{{ .HostConfig.NanoCpus }}", container("primary"))
    before = must(*cpus)
    done = run("bin/drill-doctor", *QUICK, within_s=420, DRILL_LOAD_S="60")
    print(done.stdout)
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.findall(r"^([a-z-]+) .* yes$", done.stdout, re.MULTILINE) == list(QUICK)
    assert must(*cpus) == before
    assert sql("select count(*) from pg_stat_activity where application_name = 'drill'") == "0"


def test_a_program_can_read_it(stage_5: None) -> None:
    """Broken: the ladder cannot write the bottleneck of a knee."""

    def check() -> None:
        answer = json.loads(must("bin/doctor", "--json", "--minutes", "0.5"))
        assert set(answer) == {"bottleneck", "load", "resources"}
        services = {one["service"] for one in answer["resources"]}
        assert {"web", "primary", "redis", "edge", "worker", "the machine"} <= services

    # A box is known half a minute after its start.
    eventually(check, within_s=90, every_s=5)
