"""The stack that a technique is measured on: a stage's settings, and only the parts that it needs.

A project of its own, as for `make bench`, and removed at the end, data and all. The ways that are
compared stand beside each other, and are loaded in turn: both meet the same moments of the machine.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Mapping
from typing import Any

from loadtest.bench.commands import ROOT, Stop, output
from loadtest.bench.stack import Stack

SEED = 7
BEHIND_MAX_S = 0.5
# Of the application alone: whoever measures asks as another role.
STATEMENTS = """
SELECT coalesce(sum(calls), 0) FROM pg_stat_statements WHERE userid = 'sluice'::regrole
"""

Figures = dict[str, float]


class Lab(Stack):
    """Starts the ways of a technique, sends readers to them, and counts what they cost."""

    project = f"{os.environ.get('COMPOSE_PROJECT_NAME') or 'sluice'}-ablate"
    overlay = "loadtest/ablate/compose.yml"
    sender = "readers"

    def __init__(self, stage: str, databases: tuple[str, ...]) -> None:
        super().__init__()
        self.stage = stage
        self._databases = databases
        self._environment |= {
            "COMPOSE_PROJECT_NAME": self.project,
            "LB_CPUS": "1",
            "EDGE_CPUS": "1",
        }
        # The web replicas are not told of what is not started.
        absent = {"REPLICA_DSN": "replica-1", "CACHE_URL": "redis", "BROKER_URL": "rabbitmq"}
        self._environment |= {name: "" for name, part in absent.items() if part not in databases}

    def begin(self, services: tuple[str, ...]) -> None:
        """The databases with data in them, and the readers' box."""
        self.prepare(("web", *self._databases, *services), self._databases)

    def container(self, service: str, number: int | str = 1) -> str:
        """The name of a container, by which others reach it as well."""
        return f"{self.project}-{service}-{number}"

    def start_way(self, service: str, way: str, settings: Mapping[str, str]) -> str:
        """Start a service with these settings, beside the other ways of it; → its address."""
        chosen = [word for pair in settings.items() for word in ("--env", "=".join(pair))]
        name = self.container(service, way)
        self._compose("run", "--detach", "--no-deps", "--name", name, *chosen, service)
        port = 8000 if service == "web" else 8080
        self.wait_for(name, port)
        return f"http://{name}:{port}"

    def start_replicas(self, number: int) -> None:
        """Start so many web replicas under their common name."""
        self.start_quietly("web", WEB_REPLICAS=str(number))
        for each in range(1, number + 1):
            self.wait_for(self.container("web", each))

    def limit(self, container: str, cores: float) -> None:
        """Give a container this share of a core."""
        output("docker", "update", "--cpus", f"{cores:.4f}", container)

    def choose(self, rule: str) -> None:
        """Let the balancer choose by this rule."""
        output(str(ROOT / "bin/lb"), rule, environment=self._environment)

    def redis(self, *words: str) -> str:
        """What Redis answers."""
        return self._compose("exec", "--no-TTY", "redis", "redis-cli", *words).strip()

    def statements(self) -> int:
        """How many statements the application has sent to the primary."""
        return int(self.sql(STATEMENTS))

    def statements_over(self, seconds: float, every_s: float) -> Callable[[], list[int]]:
        """Count them again and again from now on; → a function that waits for all the counts."""
        script = f"{STATEMENTS} \\watch i={every_s} c={round(seconds / every_s)}"
        # The variable is the shell's in the box.
        psql = 'printf "%s\\n" "$1" | psql -U postgres -d sluice -XAtq'
        command = ("exec", "--no-TTY", "primary", "sh", "-c", psql, "sh", script)
        told: list[str] = []
        looking = threading.Thread(target=lambda: told.append(self._compose(*command)))
        looking.start()

        def counts() -> list[int]:
            looking.join()
            if not told:
                raise Stop("the primary did not say how many statements it has done")
            return [int(line) for line in told[0].split()]

        return counts

    def read(self, urls: list[str], *paths: str, **plan: Any) -> Figures:
        """Send readers (see readers.py); what they tell.

        Raises:
            Stop: an answer was not a good one (503 is one of the figures where the plan expects
                `some_turned_away`), or the readers were too slow themselves.
        """
        whole = {"urls": urls, "paths": paths, "seed": SEED, **plan}
        command = ("python", "-m", "loadtest.ablate.readers", json.dumps(whole))
        told: Figures = json.loads(self._compose("exec", "--no-TTY", self.sender, *command))
        failed = told["failed"] + (0 if plan.get("some_turned_away") else told["turned_away"])
        if failed or not told["good"]:
            raise Stop(f"{failed} requests failed, {told['good']} were good")
        if told["behind_s"] > BEHIND_MAX_S:
            raise Stop(f"the readers were {told['behind_s']:.1f} s behind: unusable")
        return told

    def spent_us(self, *containers: str) -> float:
        """The CPU time that these containers have used, together."""
        return sum(self.box_ns(each) for each in containers) / 1000
