"""The stack that is measured: docker-compose.yml with stage 5's settings, and compose.yml here.

A project of its own, so that a stack that somebody works with is left alone; removed at the end,
data and all.
"""

from __future__ import annotations

import json
import os
import subprocess
import time
from typing import Any

from loadtest.bench import engine
from loadtest.bench.commands import ROOT, Stop, output
from loadtest.bench.profiles import PROFILES

PROJECT = f"{os.environ.get('COMPOSE_PROJECT_NAME') or 'sluice'}-bench"
READY_WITHIN_S = 300
ANSWERS_WITHIN_S = 60
DATABASES = ("primary", "replica-1", "replica-2", "redis")


class Stack:
    """Starts services, asks them, and reads what CPU time they have used."""

    project = PROJECT
    stage = "5"
    overlay = "loadtest/bench/compose.yml"  # on top of docker-compose.yml
    sender = "wrk"  # the box that sends load

    def __init__(self) -> None:
        self.cores = sorted(os.sched_getaffinity(0))
        if len(self.cores) == 1:
            raise Stop("one core is too few: the load would take part of what it measures")
        engine.address()  # elsewhere? Then nothing is begun
        self._environment = {
            **os.environ,
            "SERVERS_CORE": str(self.cores[0]),
            "OTHER_CORES": ",".join(map(str, self.cores[1:])),
            # Boxes of a fifth of a core are for climbing: here each would spend its time on being
            # stopped and started again.
            "WEB_CPUS": "1",
            "DB_CPUS": "1",
            "REDIS_CPUS": "1",
            "RABBITMQ_CPUS": "1",
            "RELAY_CPUS": "1",
            "WORKER_CPUS": "1",
            "MAIL_CPUS": "1",
            "WEB_REPLICAS": "1",
            "COMPOSE_BAKE": "false",
        }

    def prepare(
        self,
        images: tuple[str, ...] = ("web", "primary", "redis"),
        databases: tuple[str, ...] = DATABASES,
    ) -> None:
        """From an engine to images, databases with data in them, and a box that sends load."""
        subprocess.run([ROOT / "bin/images", *images], check=True, stdout=subprocess.DEVNULL)
        self._compose("build", "--quiet", self.sender)
        self.remove()
        self.up(*databases)
        self._compose("run", "--rm", "seed")
        self._compose("up", "--detach", "--no-deps", self.sender)

    def up(self, *services: str) -> None:
        """Start what says itself when it is ready, and wait for that."""
        wait = ("--wait", "--wait-timeout", str(READY_WITHIN_S))
        self._compose("up", "--detach", *wait, *services)

    def start_quietly(self, service: str, **settings: str) -> None:
        """Start what nobody can ask."""
        self._compose("up", "--detach", "--no-deps", service, **settings)

    def stop(self, service: str) -> None:
        """Stop and remove it."""
        self._compose("rm", "--stop", "--force", service)

    def sql(self, statement: str) -> str:
        """What the primary answers."""
        psql = ("psql", "-U", "postgres", "-d", "sluice", "-XAtqc", statement)
        return self._compose("exec", "--no-TTY", "primary", *psql).strip()

    def start(self, services: tuple[str, ...], **settings: str) -> None:
        """Start these services with these settings, and wait until they answer."""
        if services:
            self._compose("up", "--detach", "--no-deps", *services, **settings)
        for service in services:
            self.wait_for(service)

    def remove_servers(self) -> None:
        """Remove whatever was measured before."""
        servers = {service for profile in PROFILES for service in profile.services}
        self._compose("rm", "--stop", "--force", *sorted(servers))

    def visit(self, service: str, path: str, body: str = "", *, port: int = 8000) -> dict[str, Any]:
        """One answer: status, headers, body."""
        url = f"http://{service}:{port}{path}"
        answer: dict[str, Any] = json.loads(self.inside("visit", url, *([body] if body else [])))
        return answer

    def inside(self, module: str, *arguments: str) -> str:
        """What a module of this folder prints in the box that sends load."""
        command = ("python", "-m", f"loadtest.bench.{module}", *arguments)
        return self._compose("exec", "--no-TTY", self.sender, *command)

    def cpu_ns(self, service: str) -> int:
        """The CPU time that a service's box has used since it was started."""
        return self.box_ns(f"{self.project}-{service}-1")

    def box_ns(self, container: str) -> int:
        """The same of a container.

        The control group's figure, as the engine gives it: all threads and processes of the box,
        with the ones that have ended. /proc/PID/schedstat knows the first thread alone, and a
        server with a pool of threads would be measured too cheap. Nothing else runs in the box.
        """
        return int(engine.stats(container)["cpu_stats"]["cpu_usage"]["total_usage"])

    def threads_ns(self, service: str, name: str) -> int:
        """The CPU time of the threads of a service whose names begin so; 0 when there are none."""
        look = (
            "grep -H . /proc/[0-9]*/task/*/comm /proc/[0-9]*/task/*/schedstat 2>/dev/null || true"
        )
        told: dict[str, dict[str, str]] = {}
        for line in self._compose("exec", "--no-TTY", service, "sh", "-c", look).splitlines():
            file, _, value = line.partition(":")
            thread, _, kind = file.rpartition("/")
            told.setdefault(thread, {})[kind] = value
        return sum(
            int(thread["schedstat"].split()[0])  # kernel: Documentation/scheduler/sched-stats
            for thread in told.values()
            if thread["comm"].startswith(name) and "schedstat" in thread
        )

    def versions(self) -> dict[str, str]:
        """What takes part in a request."""
        config = self._compose("--profile", "*", "config", "--format", "json")
        services, named = json.loads(config)["services"], ("primary", "redis", "lb")
        images = {f"{name}_image": str(services[name]["image"]) for name in named}
        packages: dict[str, str] = json.loads(self.inside("versions"))
        version = output("docker", "version", "--format", "{{ .Server.Version }}").strip()
        return {**packages, **images, "engine": version}

    def remove(self) -> None:
        """Leave nothing behind."""
        self._compose("--profile", "*", "down", "--volumes", "--remove-orphans", "--timeout", "2")

    def wait_for(self, service: str, port: int = 8000) -> None:
        """Wait until it answers."""
        deadline = time.monotonic() + ANSWERS_WITHIN_S
        while True:
            try:
                self.visit(service, "/api/users/1", port=port)
            except Stop as trouble:
                if time.monotonic() > deadline:
                    raise Stop(f"{service} does not answer: {trouble}") from trouble
            else:
                return

    def _compose(self, *arguments: str, **settings: str) -> str:
        files = ("--file", "docker-compose.yml", "--file", self.overlay)
        which = ("--project-name", self.project, "--env-file", f"stages/{self.stage}.env", *files)
        environment = {**self._environment, **settings}
        command = ("docker", "compose", *which, "--progress", "quiet", *arguments)
        return output(*command, environment=environment)
