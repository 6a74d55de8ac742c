"""The replicas of a service, one by one: what `make deploy` and `make scale` are made of.

Compose replaces all replicas of a service together, and gives a new one a number that was never
used. So a replica is copied here instead, from a container that Compose has made: the same in
everything, its labels included, but under the number that is wanted. Compose finds afterwards what
it would have made itself, and `make stage-N` leaves it alone.

A copy joins the network on which requests arrive when it is ready, and not before.
"""

from __future__ import annotations

import http.client
import json
import socket
import subprocess
import time
from typing import Any
from urllib.parse import quote

from stages.compose import Stop, docker

NUMBER = "com.docker.compose.container-number"
LOOK_EVERY_S = 0.3
# Nginx asks Docker's DNS again after a second (nginx/snippets/box.conf); twice that, and no proxy
# knows the one that left before the next one leaves: no request meets two who are not there.
FORGOTTEN_AFTER_S = 2.0

Box = dict[str, Any]  # a container, as `docker inspect` tells it


class NotReady(Exception):
    """A copy that did not become healthy; says why."""


class Replicas:
    """The containers of one service of a project."""

    def __init__(self, project: str, service: str) -> None:
        self.project, self.service = project, service

    def all(self) -> dict[int, Box]:
        """Return the containers by number, without what an interrupted run has left."""
        boxes = [box for box in self._found() if name_of(box) == self.name(number_of(box))]
        return {number_of(box): box for box in sorted(boxes, key=number_of)}

    def name(self, number: int) -> str:
        """Return how the container of this number is called."""
        return f"{self.project}-{self.service}-{number}"

    def repair(self) -> None:
        """Undo what an interrupted run has begun: every number has one container, and it runs."""
        for box in self._found():
            final, name = self.name(number_of(box)), name_of(box)
            if name == f"{final}-leaving" and number_of(box) in self.all():
                self._join(final, box)
                leave(name)
            elif name == f"{final}-leaving":
                docker("rename", name, final)
                docker("start", final)
        for box in self._found():
            begun = name_of(box) == f"{self.name(number_of(box))}-next"
            if begun or box["State"]["Status"] == "created":
                docker("rm", "--force", name_of(box))

    def replace(self, old: Box, template: Box, within_s: float, *, in_place: bool = False) -> None:
        """Let a copy of the template take over: healthy first, then the old one drains and leaves.

        `in_place`: the old one leaves first, because it holds what there is only once, a port.
        Raises NotReady; the old one then serves as before.
        """
        name, leaving = name_of(old), f"{name_of(old)}-leaving"
        if in_place:
            docker("stop", name)
            docker("rename", name, leaving)
        try:
            self._start(template, number_of(old), f"{name}-next", within_s)
        except NotReady:
            if in_place:
                docker("rename", leaving, name)
                docker("start", name)
                wait_healthy(name, within_s)
            raise
        if not in_place:
            docker("rename", name, leaving)
        docker("rename", f"{name}-next", name)
        self._join(name, old)
        leave(leaving)

    def add(self, template: Box, number: int, within_s: float) -> None:
        """Start one more under this number; it joins when it is healthy. Raises NotReady."""
        name = self.name(number)
        self._start(template, number, name, within_s)
        self._join(name, template)

    def _start(self, template: Box, number: int, name: str, within_s: float) -> None:
        create(template, number, name, f"{self.project}_back", self.service)
        docker("start", name)
        try:
            wait_healthy(name, within_s)
        except NotReady:
            docker("rm", "--force", name)
            raise

    def _join(self, name: str, like: Box) -> None:
        """Connect it to the other networks of its like, under the service's name."""
        for network in networks_of(like) - networks_of(inspect(name)):
            docker("network", "connect", "--alias", self.service, network, name)

    def _found(self) -> list[Box]:
        labels = (f"project={self.project}", f"service={self.service}", "oneoff=False")
        filters = [f"--filter=label=com.docker.compose.{label}" for label in labels]
        ids = docker("ps", "--all", "--quiet", *filters).split()
        return list(json.loads(docker("inspect", *ids))) if ids else []


def number_of(box: Box) -> int:
    """Return the number by which Compose tells the replicas of a service apart."""
    return int(box["Config"]["Labels"][NUMBER])


def name_of(box: Box) -> str:
    """Return its name."""
    return str(box["Name"]).removeprefix("/")


def networks_of(box: Box) -> set[str]:
    """Return the networks that it is in."""
    return set(box["NetworkSettings"]["Networks"])


def inspect(name: str) -> Box:
    """Return what the engine knows of a container."""
    box: Box = json.loads(docker("inspect", name))[0]
    return box


def leave(name: str) -> None:
    """Let a container drain (SIGTERM, and its grace period), remove it, and let it be forgotten."""
    docker("stop", name)
    docker("rm", "--force", name)
    time.sleep(FORGOTTEN_AFTER_S)


def wait_healthy(name: str, within_s: float) -> None:
    """Return when the container's health check says so. Raises NotReady, with its last words."""
    deadline = time.monotonic() + within_s
    while True:
        state, restarts = inspect(name)["State"], inspect(name)["RestartCount"]
        health = state.get("Health", {}).get("Status", "healthy" if state["Running"] else "")
        if state["Running"] and health == "healthy":
            return
        if restarts or not state["Running"]:
            why = f"ended with {state['ExitCode']}"
        elif health == "unhealthy" or time.monotonic() > deadline:
            why = f"was not ready after {within_s:g} s"
        else:
            time.sleep(LOOK_EVERY_S)
            continue
        raise NotReady(f"{why}. Its last lines:\n{last_lines(name)}")


def last_lines(name: str) -> str:
    """Return the end of a container's log."""
    command = ["docker", "logs", "--tail", "5", name]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return (done.stdout + done.stderr).strip()


def create(template: Box, number: int, name: str, network: str, alias: str) -> None:
    """Create a copy of a container, in one of its networks.

    By the Engine's own API (`POST /containers/create`), which takes what `docker inspect` tells;
    the docker command has no word for it.
    """
    config = dict(template["Config"])
    if template["Id"].startswith(config["Hostname"]):  # not chosen, but made of its number
        del config["Hostname"]
    if image_id(config["Image"]) != template["Image"]:  # the name is another image's by now
        config["Image"] = template["Image"]
    body = {
        **config,
        "Labels": {**config["Labels"], NUMBER: str(number)},
        "HostConfig": {**template["HostConfig"], "NetworkMode": network},
        "NetworkingConfig": {"EndpointsConfig": {network: {"Aliases": [alias]}}},
    }
    connection = EngineConnection()
    try:
        headers = {"Content-Type": "application/json"}
        path = f"/containers/create?name={quote(name)}"
        connection.request("POST", path, json.dumps(body), headers)
        answer = connection.getresponse()
        said = json.loads(answer.read())
    finally:
        connection.close()
    if answer.status != http.HTTPStatus.CREATED:
        raise Stop(f"{name} could not be created: {said.get('message', answer.status)}")


def image_id(image: str) -> str:
    """Return the id of an image; nothing when the engine does not have it."""
    command = ["docker", "image", "inspect", "--format", "{{ .Id }}", image]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout.strip()


class EngineConnection(http.client.HTTPConnection):
    """HTTP over the Engine's socket."""

    def __init__(self) -> None:
        """Find the socket that the docker command talks to."""
        super().__init__("localhost", timeout=60)
        where = docker("context", "inspect", "--format", "{{ .Endpoints.docker.Host }}").strip()
        if not where.startswith("unix://"):
            raise Stop(
                f"replicas are replaced over the engine's socket on this machine, not {where}"
            )
        self._path = where.removeprefix("unix://")

    def connect(self) -> None:
        """Open it."""
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)
