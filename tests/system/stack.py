"""The stack under test, seen from outside: make, docker, and the addresses on this machine."""

from __future__ import annotations

import json
import os
import subprocess
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from prometheus_client.parser import text_string_to_metric_families

from tests.system.waiting import eventually

ROOT = Path(__file__).resolve().parents[2]
PROJECT = os.environ.get("TEST_PROJECT", "sluice-test")
APP_IMAGE = os.environ.get("APP_IMAGE", "sluice/app")

# Own ports: a stack that somebody works with keeps the usual ones.
_FROM = int(os.environ.get("TEST_PORTS_FROM", "18000"))
PORTS = {
    "PORT": str(_FROM + 80),
    "EDGE_TLS_PORT": str(_FROM + 43),
    "EDGE_2_PORT": str(_FROM + 81),
    "GRAFANA_PORT": str(_FROM + 30),
    "PROMETHEUS_PORT": str(_FROM + 90),
    "ALERTMANAGER_PORT": str(_FROM + 93),
    "MAIL_PORT": str(_FROM + 25),
    "RABBITMQ_PORT": str(_FROM + 67),
    "LOGS_PORT": str(_FROM + 28),
    "LOCUST_PORT": str(_FROM + 89),
}
# What the tests opened and keep until the last of them is over.
CLOSED_AT_THE_END = ExitStack()

ENTRY = f"http://127.0.0.1:{PORTS['PORT']}"
EDGE_2 = f"http://127.0.0.1:{PORTS['EDGE_2_PORT']}"
INBOX = f"http://127.0.0.1:{PORTS['MAIL_PORT']}"
PROMETHEUS = f"http://127.0.0.1:{PORTS['PROMETHEUS_PORT']}"
ALERTMANAGER = f"http://127.0.0.1:{PORTS['ALERTMANAGER_PORT']}"
GRAFANA = f"http://127.0.0.1:{PORTS['GRAFANA_PORT']}"


def environment(**more: str) -> dict[str, str]:
    """Return the environment of a command that works on the stack under test."""
    return {**os.environ, **PORTS, "COMPOSE_PROJECT_NAME": PROJECT, **more}


def run(
    *command: str | Path,
    within_s: float = 600,
    cwd: Path = ROOT,
    typed: str | None = None,
    **more: str,
) -> subprocess.CompletedProcess[str]:
    """Run a command on the stack under test and return its exit code, output and errors."""
    return subprocess.run(
        [str(word) for word in command],
        cwd=cwd,
        env=environment(**more),
        input=typed,
        capture_output=True,
        text=True,
        check=False,
        timeout=within_s,
    )


def must(
    *command: str | Path,
    within_s: float = 600,
    cwd: Path = ROOT,
    typed: str | None = None,
    **more: str,
) -> str:
    """Run a command that has to succeed; return its standard output."""
    done = run(*command, within_s=within_s, cwd=cwd, typed=typed, **more)
    assert done.returncode == 0, (
        f"{command} ended {done.returncode}:\n{done.stdout[-3000:]}\n{done.stderr[-6000:]}"
    )
    return done.stdout


def containers(*filters: str) -> list[tuple[str, str]]:
    """Return (service, state) of each container; state as docker says it: running, exited …"""
    more = [word for one in filters for word in ("--filter", one)]
    lines = must(
        "docker", "ps", "--all", "--filter", f"label=com.docker.compose.project={PROJECT}", *more,
        "--format", '{{ .Label "com.docker.compose.service" }} {{ .State }}',
    ).splitlines()  # fmt: skip
    return [(service, state) for service, state in (line.split() for line in lines)]


def container(service: str, number: int = 1) -> str:
    """Return the name of a service's container."""
    return f"{PROJECT}-{service}-{number}"


def health(service: str, number: int = 1) -> str:
    """Return healthy, unhealthy or starting; what has no check is healthy when it is running."""
    state: dict[str, Any] = json.loads(
        must("docker", "inspect", "--format", "{{ json .State }}", container(service, number))
    )
    status: str = state["Health"]["Status"] if "Health" in state else state["Status"]
    return "healthy" if status == "running" else status


def wait_healthy(service: str, within_s: float = 120, number: int = 1) -> None:
    """Wait until a service's container is healthy."""

    def check() -> None:
        found = health(service, number)
        assert found == "healthy", f"{service} is {found}"

    eventually(check, within_s=within_s)


def sql(statement: str, service: str = "primary") -> str:
    """Return what psql prints for one statement, rows by line and columns by |."""
    psql = ["psql", "-U", "postgres", "-d", "sluice", "-XAtqc", statement]
    return must("docker", "exec", container(service), *psql).strip()


def redis(*command: str) -> str:
    """Return what redis-cli prints."""
    return must("docker", "exec", container("redis"), "redis-cli", *command).strip()


def mails_to(address: str) -> list[dict[str, Any]]:
    """Return the mails to one address that lie in the inbox."""
    inbox: list[dict[str, Any]] = (
        httpx.get(f"{INBOX}/api/email", timeout=10).raise_for_status().json()
    )
    return [mail for mail in inbox if any(to["address"] == address for to in mail["to"])]


def figure(name: str, service: str, number: int = 1, **labels: str) -> float:
    """Return one of the figures that a box of ours shows to Prometheus, 0 when it has none yet."""
    ask = "exec 3<>/dev/tcp/127.0.0.1/9000; printf 'GET /metrics HTTP/1.0\\r\\n\\r\\n' >&3; cat <&3"
    told = must("docker", "exec", container(service, number), "bash", "-c", ask)
    return sum(
        sample.value
        for family in text_string_to_metric_families(told.partition("\n\n")[2])
        for sample in family.samples
        if sample.name == name and labels.items() <= sample.labels.items()
    )


def server_timing(answer: httpx.Response) -> dict[str, dict[str, str]]:
    """Return Server-Timing as {"db": {"desc": "primary", "dur": "1.2"}, …}."""
    timing: dict[str, dict[str, str]] = {}
    for metric in answer.headers.get("server-timing", "").split(","):
        name, *parameters = (word.strip() for word in metric.split(";"))
        timing[name] = dict(parameter.split("=", 1) for parameter in parameters)
    return timing


@dataclass
class Member:
    """Somebody who signed up during the test, with the connection that is logged in."""

    id: int
    email: str
    password: str
    client: httpx.Client = field(repr=False)


def sign_up(email: str, name: str = "Ada Tester") -> Member:
    """Sign up and log in through the entry."""
    client = httpx.Client(base_url=ENTRY, timeout=20)
    password = "a-long-password-of-a-test"
    answer = client.post("/api/users", json={"email": email, "name": name, "password": password})
    assert answer.status_code == 201, answer.text
    member = Member(answer.json()["id"], email, password, client)
    CLOSED_AT_THE_END.callback(client.close)
    answer = client.post("/api/sessions", json={"email": email, "password": password})
    assert answer.status_code == 201, answer.text
    return member
