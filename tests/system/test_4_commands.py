"""The commands a person types: wrong use gets one line, a half-finished start can be run again."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
from pathlib import Path

import pytest

from tests.system.stack import ROOT, containers, environment, must, run
from tests.system.waiting import eventually


def complaint(*command: str, **more: str) -> str:
    """Run a command that must fail; return its one line of complaint."""
    done = run(*command, within_s=120, cwd=ROOT, **more)
    assert done.returncode != 0, done.stdout
    assert "Traceback" not in done.stderr
    lines = [line for line in done.stderr.splitlines() if line.startswith("sluice: ")]
    assert len(lines) == 1, done.stderr
    return lines[0]


@pytest.mark.parametrize("stage", ["0", "6", "x", "1.5", "-1", "stage"])
def test_an_unknown_stage_is_named(stage: str) -> None:
    """Broken: a traceback, or a stage that nobody asked for."""
    assert "unknown stage" in complaint("make", f"stage-{stage}")


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("USERS", "many"),
        ("USERS", "0"),
        ("USERS", "-5"),
        ("TIME", "60"),
        ("TIME", "soon"),
        ("RATE", "x"),
    ],
)
def test_wrong_sizes_of_the_crowd_are_named(stage_5: None, variable: str, value: str) -> None:
    """Broken: Locust starts with something else than what was asked for."""
    assert f"{variable}={value}" in complaint("make", "load", f"{variable}={value}")


def test_a_taken_port_names_its_variable(stage_5: None) -> None:
    """Broken: the engine's own message, after half of the stack was moved."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        taken = str(other.getsockname()[1])
        before = containers()
        assert "PORT=" in complaint("make", "stage-5", PORT=taken)
        line = complaint("make", "stage-5", GRAFANA_PORT=taken)
        assert taken in line
        assert "GRAFANA_PORT=" in line
        assert containers() == before


def test_too_little_memory_or_disk_is_said_before_anything_is_touched(stage_5: None) -> None:
    """Broken: the stack starts, and the kernel ends a part of it later."""
    before = containers()
    assert "too little memory" in complaint("make", "stage-5", NEED_MEMORY_MIB="999999999")
    assert "too little disk" in complaint("make", "stage-5", NEED_DISK_MIB="999999999")
    assert containers() == before


def test_an_engine_that_is_not_there_is_named() -> None:
    """Broken: a page of errors of Compose."""
    done = run("make", "stage-1", DOCKER_HOST="unix:///nowhere/docker.sock")
    assert done.returncode != 0
    assert "DOCKER_HOST" in done.stderr
    assert "Traceback" not in done.stderr


def test_somebody_without_rights_is_told_the_commands() -> None:
    """Broken: an attempt to install without the right to, or no hint at all."""
    # A place that everybody may read: the clone may lie in a home that nobody else may enter.
    with tempfile.TemporaryDirectory() as place:
        Path(place).chmod(0o755)
        shutil.copytree(ROOT / "bin", Path(place, "bin"))
        done = subprocess.run(
            ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", f"{place}/bin/engine"],
            env={"HOME": place, "PATH": "/usr/bin:/bin", "DOCKER_HOST": ""},
            capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip
    assert done.returncode == 1
    assert "docker" in done.stderr.lower()


def test_removing_all_data_needs_a_word_of_confirmation() -> None:
    """Broken: one mistyped word costs the data."""
    assert "CONFIRM=yes" in complaint("make", "clean")


def test_the_stack_runs_and_shows_itself_without_monitoring(stage_5: None) -> None:
    """Broken: MONITORING=off leaves watchers, or `make status` needs them."""
    must("make", "stage-5", MONITORING="off")
    try:
        path = {"edge", "lb", "web", "redis", "primary", "replica-1", "replica-2", "relay"}
        path |= {"rabbitmq", "worker", "mail"}
        assert {service for service, _ in containers("status=running")} == path
        shown = must("make", "status")
        assert "no monitoring" in shown
        rows = dict(line.split(maxsplit=1) for line in shown.splitlines() if " up" in line)
        assert rows.keys() == path
    finally:
        must("make", "stage-5")


def test_a_start_that_was_interrupted_can_be_run_again(stage_5: None) -> None:
    """Broken: a half-moved stack that no command repairs."""
    process = subprocess.Popen(
        ["make", "stage-2"], cwd=ROOT, env=environment(), start_new_session=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip

    def half_way() -> None:
        assert not any(service == "edge" for service, _ in containers())

    eventually(half_way, within_s=60, every_s=0.05)
    os.killpg(process.pid, signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode != 0
    must("make", "stage-5")
    assert {"edge", "lb", "web"} <= {
        service for service, state in containers() if state == "running"
    }


def test_the_crowd_finds_no_failure(stage_5: None) -> None:
    """Broken: an ordinary visitor's journey fails somewhere."""
    printed = must("make", "load", "USERS=20", "TIME=20s", "RATE=10")
    assert "Aggregated" in printed


def test_compose_alone_is_stage_5_in_a_fresh_clone() -> None:
    """Broken: `docker compose up` needs our scripts."""
    clone = ROOT / ".clone"
    must("rm", "-rf", str(clone))
    must("git", "-c", "safe.directory=*", "clone", "--quiet", str(ROOT), str(clone))
    try:
        must("docker", "compose", "--profile", "*", "down", "--timeout", "5")
        must("docker", "compose", "up", "--detach", "--wait", cwd=clone)
        running = {service for service, state in containers() if state == "running"}
        assert {
            "edge",
            "lb",
            "web",
            "redis",
            "primary",
            "replica-1",
            "replica-2",
            "rabbitmq",
            "worker",
        } <= running
        assert "locust" not in running
    finally:
        must("docker", "compose", "--profile", "*", "down", "--timeout", "5")
        must("rm", "-rf", str(clone))
