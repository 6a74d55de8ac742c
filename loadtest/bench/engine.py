"""The engine of this machine, asked over its socket: cheaper than a command for each question."""

from __future__ import annotations

import http.client
import json
import os
import socket
from typing import Any

from loadtest.bench.commands import Stop

ANSWER_WITHIN_S = 10


def address() -> str:
    """The path of its socket.

    Raises:
        Stop: it is elsewhere.
    """
    found = os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock")
    if not found.startswith("unix://"):
        raise Stop(f"the engine must be on this machine, not at {found}: its cores are measured")
    return found.removeprefix("unix://")


def ask(path: str) -> Any:
    """What it answers to a GET.

    Raises:
        OSError: it does not answer in time.
        Stop: it refuses.
    """
    line = http.client.HTTPConnection("engine", timeout=ANSWER_WITHIN_S)
    with socket.socket(socket.AF_UNIX) as line.sock:
        line.sock.settimeout(ANSWER_WITHIN_S)
        line.sock.connect(address())
        line.request("GET", path)
        answer = line.getresponse()
        body = json.load(answer)
    if answer.status >= http.client.BAD_REQUEST:
        raise Stop(f"the engine says: {body.get('message', answer.status)}")
    return body


def stats(box: str) -> Any:
    """What a box uses now: the figures of its control group."""
    return ask(f"/containers/{box}/stats?stream=false&one-shot=true")
