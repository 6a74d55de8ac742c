"""Every linter, type checker and configuration check of the field, by the tool itself."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from loadtest.bench.profiles import PROFILES
from loadtest.bench.stack import DATABASES
from stages import compose

ROOT = Path(__file__).resolve().parents[2]
STAGES = sorted((ROOT / "stages").glob("*.env"))
RULES = sorted(file.stem for file in (ROOT / "nginx/upstreams").glob("*.conf"))


def tracked(*patterns: str) -> list[str]:
    """Return the files that git knows or would add."""
    git = [
        "git",
        "-c",
        "safe.directory=*",
        "ls-files",
        "--cached",
        "--others",
        "--exclude-standard",
        "--",
        *patterns,
    ]
    listed = subprocess.run(
        git, cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    return [name for name in listed if (ROOT / name).is_file()]


def scripts(shebang: str) -> list[str]:
    """Return the tracked files whose first line names an interpreter."""
    return [
        name
        for name in tracked("bin", ".ci", "db", "images", "nginx")
        if (ROOT / name).read_bytes().startswith(b"#!")
        and shebang.encode() in (ROOT / name).read_bytes().split(b"\n", 1)[0]
    ]


def passes(*command: str, within_s: float = 300) -> str:
    """Run a check in the root of the repository; return what it printed."""
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=within_s
    )
    assert done.returncode == 0, (
        f"{' '.join(command[:6])} …\n{done.stdout[-6000:]}\n{done.stderr[-6000:]}"
    )
    return done.stdout


def in_image(
    image: str, *command: str, mounts: dict[str, str], options: tuple[str, ...] = ()
) -> str:
    """Run a command in one of the stack's own images, with our files mounted read-only."""
    volumes = [
        word for here, there in mounts.items() for word in ("--volume", f"{ROOT / here}:{there}:ro")
    ]
    return passes("docker", "run", "--rm", "--network", "none", *options, *volumes, image, *command)


def test_format() -> None:
    """Broken: the code has two styles."""
    passes("ruff", "format", "--check", ".")


def test_lint() -> None:
    """Broken: a rule of pyproject.toml does not hold."""
    passes("ruff", "check", ".")


# Those of bin/ that are Python.
SCRIPTS = sorted(
    str(file.relative_to(ROOT))
    for file in (ROOT / "bin").iterdir()
    if file.read_bytes().startswith(b"#!/usr/bin/env python3")
)


@pytest.mark.parametrize(
    "package",
    [
        "app",
        "jobs",
        "worker",
        "db",
        "doctor",
        "loadtest",
        "tests",
        "grafana",
        "images",
        "logs",
        "stages",
        *SCRIPTS,
    ],
)
def test_types(package: str) -> None:
    """Broken: a value is used as what it is not."""
    passes("mypy", "--strict", "--scripts-are-modules", package)


def test_shell_scripts() -> None:
    """Broken: a script fails on a path with a blank, or worse."""
    names = sorted({*scripts("bash"), *scripts("/sh"), *tracked("*.sh")})
    assert "bin/engine" in names
    passes("shellcheck", "--external-sources", *names)


def test_dockerfiles() -> None:
    """Broken: an image is not pinned, or runs as root."""
    names = tracked("Dockerfile", "*/Dockerfile")
    assert len(names) > 5
    passes("hadolint", *names)


@pytest.mark.parametrize("stage", STAGES, ids=lambda file: file.stem)
def test_compose_file(stage: Path) -> None:
    """Broken: a variable has no value, or a service refers to one that is not there."""
    config = json.loads(
        passes("docker", "compose", "--env-file", str(stage), "config", "--format", "json")
    )
    owners = [
        name
        for name, one in config["services"].items()
        for port in one.get("ports", [])
        if port.get("published") == "8080"
    ]
    assert len(owners) == 1, "one service owns the public port"


WATCHERS = {
    "prometheus", "alertmanager", "blackbox-exporter", "grafana", "node-exporter",
    "postgres-exporter", "cadvisor", "redis-exporter", "lb-exporter", "edge-exporter",
    "edge-2-exporter", "proxy-exporter",
}  # fmt: skip


@pytest.mark.parametrize("stage", STAGES, ids=lambda file: file.stem)
@pytest.mark.parametrize("said_in", ["environment", "local.env"])
def test_monitoring_can_be_left_out(
    stage: Path, said_in: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Broken: MONITORING=off leaves an exporter running, or takes a part of the stage away."""
    for name in ("stages", "docker-compose.yml"):
        (tmp_path / name).symlink_to(ROOT / name)
    monkeypatch.setattr(compose, "ROOT", tmp_path)
    monkeypatch.delenv("MONITORING", raising=False)
    before = dict(os.environ)
    whole = set(compose.Compose(stage.stem).services)
    if said_in == "local.env":
        (tmp_path / "local.env").write_text("MONITORING=off\n")
    else:
        monkeypatch.setenv("MONITORING", "off")
        before["MONITORING"] = "off"
    assert set(compose.Compose(stage.stem).services) == whole - WATCHERS
    assert whole & WATCHERS
    assert dict(os.environ) == before  # what one stack is told is nothing to the next


def test_compose_file_of_the_bench() -> None:
    """Broken: `make bench` fails at its start, or compares servers that do not share a core."""
    files = ("--file", "docker-compose.yml", "--file", "loadtest/bench/compose.yml")
    cores = ("env", "SERVERS_CORE=0", "OTHER_CORES=1")
    compose = (*cores, "docker", "compose", "--env-file", "stages/5.env", *files)
    named = json.loads(passes(*compose, "--profile", "*", "config", "--format", "json"))["services"]
    servers = {service for profile in PROFILES for service in profile.services}
    assert {named[service]["cpuset"] for service in servers} == {"0"}
    assert {named[other]["cpuset"] for other in ("wrk", *DATABASES)} == {"1"}


@pytest.mark.parametrize("balancing", RULES)
def test_balancer_configuration(balancing: str) -> None:
    """Broken: Nginx does not start when it balances so."""
    nginx_takes("lb", BALANCING=balancing, PROJECT="sluice")


def test_edge_configuration() -> None:
    """Broken: Nginx does not start."""
    nginx_takes("edge")


def test_nginx_does_not_start_without_its_keys() -> None:
    """Broken: whoever asks is taken for an edge and says who they are, or empties the cache."""
    with pytest.raises(AssertionError, match="EDGE_KEY"):
        nginx_takes("lb", EDGE_KEY="")
    with pytest.raises(AssertionError, match="PURGE_KEY"):
        nginx_takes("edge", PURGE_KEY="")


def nginx_takes(name: str, **environment: str) -> None:
    """Fill the configuration of a box in, as the box does, and let Nginx read it."""
    limits = {"CLIENT_RATE": "10", "CLIENT_BURST": "20", "CLIENT_CONNECTIONS": "5"}
    keys = {"EDGE_KEY": "a-key", "PURGE_KEY": "another", "COUNTS_SERVER": "239.255.14.1:5140"}
    limits["UPSTREAM_KEEPALIVE"] = "300"
    said = {**keys, **limits, **environment}
    variables = [word for one in said.items() for word in ("--env", "=".join(one))]
    writable = [word for path in ("/tmp", "/var/cache/nginx") for word in ("--tmpfs", path)]  # noqa: S108
    in_image(
        "nginx:1.30.6", "-c", f"/etc/sluice/start {name} -t",
        mounts={"nginx": "/etc/sluice"},
        options=("--user", "101:101", "--read-only", *writable, *variables, "--entrypoint", "sh"),
    )  # fmt: skip


def test_prometheus_configuration() -> None:
    """Broken: Prometheus does not start."""
    in_image(
        "prom/prometheus:v3.5.3", "check", "config", "/etc/sluice/prometheus.yml",
        mounts={"prometheus": "/etc/sluice"}, options=("--entrypoint", "promtool"),
    )  # fmt: skip


def test_alert_and_recording_rules() -> None:
    """Broken: a rule does not say what its test says it says."""
    files = [
        name.replace("prometheus/", "/etc/sluice/", 1) for name in tracked("prometheus/tests/*.yml")
    ]
    assert files
    in_image(
        "prom/prometheus:v3.5.3", "test", "rules", *files,
        mounts={"prometheus": "/etc/sluice"}, options=("--entrypoint", "promtool"),
    )  # fmt: skip


def test_requirements_belong_to_pyproject() -> None:
    """Broken: a dependency has no version or no hash: `make lock` was not run."""
    for name in tracked("requirements/*.txt"):
        lines = (ROOT / name).read_text().splitlines()
        pinned = [line for line in lines if line and not line.startswith((" ", "#", "-"))]
        assert pinned
        assert all("==" in line for line in pinned), name
        assert sum("--hash=sha256:" in line for line in lines) >= len(pinned), name


def test_the_gate_is_the_command_of_the_readme() -> None:
    """Broken: what is tested before a change lands is not what a reader is told to run."""
    assert "make test" in (ROOT / ".ci/run").read_text()
    assert "make test" in (ROOT / "README.md").read_text()
    assert os.access(ROOT / ".ci/run", os.X_OK)
