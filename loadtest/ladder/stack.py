"""The stack that is climbed: a project of its own, by the same `bin/stage` that everybody uses.

Between two runs the data is put back byte by byte: the volumes of the primary and both replicas are
copied from a snapshot, which was taken when all three had been shut down in order. So each run
begins with the same rows on the same pages, the same statistics and the same free space, and no
replica has to be rebuilt. Redis and RabbitMQ begin empty. Only what watches goes on running.
"""

from __future__ import annotations

import contextlib
import functools
import json
import os
import signal
import subprocess
import time
from typing import Any

from loadtest.bench.commands import ROOT, WITHIN_S, Stop, output

PROJECT = f"{os.environ.get('COMPOSE_PROJECT_NAME') or 'sluice'}-ladder"
# Own ports, below those that the kernel gives to outgoing connections: a stack that somebody works
# with keeps the usual ones, and the tests have theirs.
PORTS = {
    "PORT": "28080",
    "EDGE_TLS_PORT": "28443",
    "EDGE_2_PORT": "28081",
    "GRAFANA_PORT": "28030",
    "PROMETHEUS_PORT": "28090",
    "ALERTMANAGER_PORT": "28093",
    "MAIL_PORT": "28025",
    "RABBITMQ_PORT": "28067",
    "LOCUST_PORT": "28089",
}
DATABASES = ("primary", "replica-1", "replica-2")
EMPTIED = ("redis-data", "rabbitmq-data", "lb-choice")
STAYS = {
    "prometheus", "alertmanager", "grafana", "node-exporter", "postgres-exporter",
    "blackbox-exporter", "cadvisor",
}  # fmt: skip
# Half of what they ship with: so two cores carry, beside all boxes, the crowd at the last knee.
SMALL = {"DB_CPUS": "0.1", "WEB_CPUS": "0.1"}
# While the data is made nothing is measured.
ROOMY = {"DB_CPUS": "1", "WEB_CPUS": "1"}
IN_STEP_WITHIN_S = 60
SAME_LSN = (
    "SELECT count(*) FROM pg_stat_replication WHERE replay_lsn = pg_current_wal_lsn()"  # of both
)
NAMES = '{{ .Label "com.docker.compose.service" }} {{ .Names }}'
COPY = "find /to -mindepth 1 -delete && cp --archive /from/. /to/"


class Stack:
    """Switches stages and puts the data back."""

    def __init__(self) -> None:
        self.environment = {**SMALL, **os.environ, **PORTS, "COMPOSE_PROJECT_NAME": PROJECT}
        self.environment.pop("RELEASE", None)  # the present code is measured
        self.environment.pop("MONITORING", None)  # and watched
        self.found: dict[str, int] = {}
        self.entry_port = int(PORTS["PORT"])
        self.prometheus = f"http://127.0.0.1:{PORTS['PROMETHEUS_PORT']}"

    def prepare(self) -> None:
        """From nothing to a snapshot of the data that every run begins with."""
        subprocess.run(
            [ROOT / "bin/images", "locust"],
            check=True,
            env=self.environment,
            stdout=subprocess.DEVNULL,
        )
        self.remove()
        self.switch(3, **ROOMY)
        self.sql("VACUUM (ANALYZE)")
        self.sql("CHECKPOINT")
        self.found = self._data()
        self._wait_for_replicas()
        boxes = self.boxes()
        # The primary first: it sends its last word and waits until both replicas have it.
        for name in DATABASES:
            output("docker", "stop", "--time", "60", *boxes[name])
        for name in DATABASES:
            output("docker", "volume", "create", _snapshot(name))
            self._copy(_volume(f"{name}-data"), _snapshot(name))

    def put_back(self) -> None:
        """The data of the snapshot, empty queues, an empty cache, and no box that remembers."""
        gone = [box for name, boxes in self.boxes().items() if name not in STAYS for box in boxes]
        if gone:
            # Killed: what they would still write is thrown away.
            output("docker", "rm", "--force", *gone)
        for name in DATABASES:
            self._copy(_snapshot(name), _volume(f"{name}-data"))
        for name in EMPTIED:
            subprocess.run(
                ["docker", "volume", "rm", "--force", _volume(name)],
                stdout=subprocess.DEVNULL,
                check=True,
            )

    def switch(self, stage: int, **settings: str) -> float:
        """Go to a stage; return how long it took, in seconds."""
        began = time.monotonic()
        environment = {**self.environment, **settings}
        _together(str(ROOT / "bin/stage"), str(stage), environment=environment)
        return round(time.monotonic() - began, 1)

    def boxes(self) -> dict[str, list[str]]:
        """The names of all boxes, by service."""
        mine = f"label=com.docker.compose.project={PROJECT}"
        lines = output("docker", "ps", "--all", "--filter", mine, "--format", NAMES).splitlines()
        found: dict[str, list[str]] = {}
        for service, name in map(str.split, lines):
            found.setdefault(service, []).append(name)
        return found

    def databases(self) -> dict[str, str]:
        """The databases that this stage has, and their boxes."""
        boxes = self.boxes()
        return {name: boxes[name][0] for name in DATABASES if name in boxes}

    def sql(self, statement: str) -> str:
        """What the primary answers."""
        psql = ("psql", "-U", "postgres", "-d", "sluice", "-XAtqc", statement)
        return output("docker", "exec", f"{PROJECT}-primary-1", *psql).strip()

    def _data(self) -> dict[str, int]:
        """How much data there is."""
        counts = self.sql("SELECT (SELECT count(*) FROM users), (SELECT count(*) FROM posts)")
        members, posts = map(int, counts.split("|"))
        size = int(self.sql("SELECT pg_database_size('sluice')"))
        return {"members": members, "posts": posts, "mib": size >> 20}

    def images(self) -> dict[str, str]:
        """What each service runs."""
        return {name: str(one["image"]) for name, one in sorted(self._services.items())}

    def limits(self) -> dict[str, str]:
        """The share of a core and the memory of each box."""
        return {
            name: f"{float(one['cpus']):g} core, {int(one['mem_limit']) >> 20} MiB"
            for name, one in sorted(self._services.items())
        }

    def remove(self) -> None:
        """Leave nothing behind."""
        boxes = [box for boxes in self.boxes().values() for box in boxes]
        if boxes:
            with contextlib.suppress(Stop):  # one that is on its way out already
                output("docker", "rm", "--force", "--volumes", *boxes)
        down = ("--profile", "*", "down", "--volumes", "--remove-orphans", "--timeout", "2")
        output(str(ROOT / "bin/compose"), *down, environment=self.environment)
        for name in DATABASES:
            output("docker", "volume", "rm", "--force", _snapshot(name))
        (ROOT / f".changes/{PROJECT}.prom").unlink(missing_ok=True)

    def _wait_for_replicas(self) -> None:
        deadline = time.monotonic() + IN_STEP_WITHIN_S
        while self.sql(SAME_LSN) != "2":
            if time.monotonic() > deadline:
                raise Stop(f"the replicas are not in step after {IN_STEP_WITHIN_S} s")
            time.sleep(0.5)

    def _copy(self, source: str, target: str) -> None:
        """Make a volume the same as another, by an image that is there anyway."""
        output(
            "docker", "run", "--rm", "--network", "none", "--user", "0", "--entrypoint", "bash",
            "--volume", f"{source}:/from:ro", "--volume", f"{target}:/to",
            str(self._services["primary"]["image"]), "-c", COPY,
        )  # fmt: skip

    @functools.cached_property
    def _services(self) -> dict[str, dict[str, Any]]:
        command = (str(ROOT / "bin/compose"), "--profile", "*", "config", "--format", "json")
        services: dict[str, dict[str, Any]] = json.loads(
            output(*command, environment=self.environment)
        )["services"]
        return services


def _together(*command: str, environment: dict[str, str]) -> None:
    """Run a command that starts others, and end all of them when this program is to end.

    What goes on starting boxes while they are removed would leave some behind.
    """
    with subprocess.Popen(
        command,
        cwd=ROOT,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as running:
        try:
            _, words = running.communicate(timeout=WITHIN_S)
        except BaseException as trouble:
            os.killpg(running.pid, signal.SIGTERM)
            if isinstance(trouble, subprocess.TimeoutExpired):
                raise Stop(f"{command[0]} did not end within {WITHIN_S} s") from trouble
            raise
    if running.returncode:
        raise Stop((words.strip().splitlines() or [f"{command[0]} failed"])[-1])


def _volume(name: str) -> str:
    return f"{PROJECT}_{name}"


def _snapshot(name: str) -> str:
    return f"{PROJECT}-snapshot_{name}"
