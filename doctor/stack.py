"""The stack that bottlenecks are planted in: stages, boxes, servers and crowd, by the commands that
a person has. Everything that changes something is a `with` block that puts it back.
"""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Self

from stages.compose import ROOT, Stop, docker, running

PROJECT = os.environ.get("COMPOSE_PROJECT_NAME") or "sluice-drill"
# Own ports, where none are given: somebody's stack keeps the usual ones.
PORTS = {
    "PORT": "27080", "EDGE_TLS_PORT": "27443", "EDGE_2_PORT": "27081", "GRAFANA_PORT": "27300",
    "PROMETHEUS_PORT": "27090", "ALERTMANAGER_PORT": "27093", "MAIL_PORT": "27025",
    "RABBITMQ_PORT": "27672", "LOCUST_PORT": "27089",
}  # fmt: skip
# Room for what is not planted; what is planted gets less, by `docker update`.
SIZES = {"WEB_CPUS": "0.4", "DB_CPUS": "0.5"}
# A mail server that answers as slowly as it is told (tests/mail/server.py).
SLOW_MAIL = {"COMPOSE_FILE": "docker-compose.yml:tests/mail.yml"}

Settings = Mapping[str, str]


class Stack:
    """One project. `with Stack() as stack`: removed at the end, or left as it was found."""

    def __init__(self) -> None:
        """Look what is there."""
        os.environ["COMPOSE_PROJECT_NAME"] = PROJECT
        self._before = running("sluice.stage")
        self._now: tuple[str, dict[str, str]] = ("", {})

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(self, *_: object) -> None:
        """Put the stage back that was there; remove all when none was."""
        if self._before:
            self.at(self._before, {}, {})
            return
        self._now = ("", dict(SLOW_MAIL))  # with the volume of that mail server
        self._run("bin/compose", "--progress", "quiet", "--profile", "*", "down", "--volumes",
                  "--remove-orphans", "--timeout", "5")  # fmt: skip
        (ROOT / f".changes/{PROJECT}.prom").unlink(missing_ok=True)

    def at(self, stage: str, settings: Settings, sizes: Settings = SIZES) -> None:
        """Be at a stage with these settings."""
        wanted = (stage, {**sizes, **settings})
        if self._now != wanted:
            self._now = wanted
            self._run("bin/stage", stage)

    def name(self, service: str, number: int = 1) -> str:
        """Return the name of a container."""
        return f"{PROJECT}-{service}-{number}"

    def inside(self, service: str, *command: str) -> str:
        """Run a command in a service's box."""
        return docker("exec", self.name(service), *command)

    def sql(self, statement: str, service: str = "primary") -> str:
        """Run one statement as the owner of the server."""
        return self.inside(service, "psql", "-U", "postgres", "-d", "sluice", "-XAtqc", statement)

    @contextmanager
    def cpus(self, service: str, share: str) -> Iterator[None]:
        """Give the boxes of a service less of a core, while they run."""
        mine = [
            f"--filter=label=com.docker.compose.{label}"
            for label in (f"project={PROJECT}", f"service={service}")
        ]
        names = docker("ps", "--quiet", *mine).split()
        before = json.loads(docker("inspect", names[0]))[0]["HostConfig"]["NanoCpus"] / 1e9
        try:
            docker("update", "--cpus", share, *names)
            yield
        finally:
            docker("update", "--cpus", f"{before:g}", *names)

    @contextmanager
    def postgres_set(self, service: str = "primary", **settings: str) -> Iterator[None]:
        """Change settings of a server that need no restart."""
        try:
            for name, value in settings.items():
                self.sql(f"ALTER SYSTEM SET {name} = '{value}'", service)
            self.sql("SELECT pg_reload_conf()", service)
            yield
        finally:
            for name in settings:
                self.sql(f"ALTER SYSTEM RESET {name}", service)
            self.sql("SELECT pg_reload_conf()", service)

    @contextmanager
    def session(self, statement: str) -> Iterator[None]:
        """Keep a session on the primary that runs a statement until the block ends."""
        psql = ["psql", "-U", "postgres", "-d", "sluice", "-Xqc", statement]
        quiet = subprocess.DEVNULL
        box = ["docker", "exec", "--env", "PGAPPNAME=drill", self.name("primary")]
        with subprocess.Popen([*box, *psql], stdout=quiet, stderr=quiet) as running_one:
            try:
                yield
            finally:
                mine = "pg_stat_activity WHERE application_name = 'drill'"
                self.sql(f"SELECT pg_terminate_backend(pid) FROM {mine}")
                running_one.wait(10)

    @contextmanager
    def slow_mail(self, slow_s: float) -> Iterator[None]:
        """Let the mail server take so long for each mail; only with `SLOW_MAIL`."""

        def behave(mood: dict[str, float]) -> None:
            write = f"echo '{json.dumps(mood)}' > /mail/mood.json"
            self.inside("mail", "sh", "-c", write)

        try:
            behave({"slow_s": slow_s})
            yield
        finally:
            behave({})

    @contextmanager
    def crowd(self, users: int, **settings: str) -> Iterator[None]:
        """Send the crowd until the block ends."""
        command = [str(ROOT / "bin/load"), str(users), "300s", str(max(users // 2, 1))]
        quiet = subprocess.DEVNULL
        environment = self._environment(**settings)
        with subprocess.Popen(command, env=environment, stdout=quiet, stderr=quiet) as sent:
            try:
                yield
            finally:
                mine = ("project=" + PROJECT, "service=locust", "oneoff=True")
                filters = [f"--filter=label=com.docker.compose.{label}" for label in mine]
                if boxes := docker("ps", "--all", "--quiet", *filters).split():
                    docker("rm", "--force", *boxes)
                sent.terminate()
                sent.wait(20)

    def doctor(self, minutes: float) -> dict[str, Any]:
        """Ask the doctor for the last minutes, as a program does."""
        found: dict[str, Any] = json.loads(
            self._run(
                "bin/doctor", "--json", "--minutes", f"{minutes:g}", "--at", f"{time.time():.0f}"
            )
        )
        return found

    def _environment(self, **more: str) -> dict[str, str]:
        return {**PORTS, **os.environ, **self._now[1], **more}

    def _run(self, program: str, *arguments: str) -> str:
        command = [str(ROOT / program), *arguments]
        done = subprocess.run(
            command, env=self._environment(), capture_output=True, text=True, check=False
        )
        if done.returncode:
            last = (done.stderr.strip() or program).splitlines()[-1]
            raise Stop(f"{program} {' '.join(arguments[:2])}: {last.removeprefix('sluice: ')}")
        return done.stdout
