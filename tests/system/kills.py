"""Processes killed with SIGKILL, in an order and at moments that a seed decides, and started again.

Each kill is proved: the process is gone with the signal's exit code, and another one runs later.
"""

from __future__ import annotations

import json
import random
import subprocess
import threading
import time
from dataclasses import dataclass
from typing import Any

from tests.system.stack import container, environment, must
from tests.system.waiting import eventually

KILLED = 137  # 128 + SIGKILL
CONNECTED_WITHIN_S = 90

# What is killed in each round. The last two are aimed: the relay has been away for some seconds,
# and at the moment when it comes back and gives the broker all that has waited, one of them dies.
TARGETS = ("web", "relay", "rabbitmq", "worker", "mail", "rabbitmq as it catches up",
           "relay as it catches up", "worker")  # fmt: skip


@dataclass(frozen=True)
class Kill:
    """One that happened. `at` is in seconds since 1970; without effect it proves nothing."""

    service: str
    at: float
    took_effect: bool


def state(name: str) -> dict[str, Any]:
    """Return what the engine knows of a container's process."""
    found: dict[str, Any] = json.loads(must("docker", "inspect", name))[0]["State"]
    return found


class Killing(threading.Thread):
    """Kills while something else goes on; `kills` is what it did, `trouble` why it ended early."""

    def __init__(self, seed: int, rounds: int, pause_s: float) -> None:
        super().__init__(daemon=True)
        self.kills: list[Kill] = []
        self.trouble: str | None = None
        self._chance = random.Random(seed)
        self._rounds = rounds
        self._pause_s = pause_s
        self._pause = threading.Event()

    def run(self) -> None:
        """Kill round after round."""
        try:
            for _ in range(self._rounds):
                for target in self._chance.sample(TARGETS, len(TARGETS)):
                    self._pause.wait(self._chance.uniform(0.2, 2) * self._pause_s)
                    self._kill_at_its_moment(target)
        except Exception as error:  # noqa: BLE001 - the edge of a thread: whoever waits for it tells
            self.trouble = repr(error)[:2000]

    def _kill_at_its_moment(self, target: str) -> None:
        service, _, aimed = target.partition(" as ")
        if aimed:
            self._kill("relay", down_s=5)
            self._await_the_relay()
            self._pause.wait(self._chance.uniform(0, 0.3))
        number = self._chance.randint(1, 3) if service == "web" else 1
        self._kill(service, number, down_s=self._chance.uniform(0.2, 3))

    def _kill(self, service: str, number: int = 1, *, down_s: float) -> None:
        name = container(service, number)
        before = state(name)
        at = time.time()
        must("docker", "kill", "--signal", "KILL", name)
        after = eventually(lambda: self._ended(name), within_s=20)
        self._pause.wait(down_s)
        must("docker", "start", name)
        again = state(name)
        took_effect = (
            before["Running"] and after["ExitCode"] == KILLED and again["Pid"] != before["Pid"]
        )
        self.kills.append(Kill(service, at, took_effect))

    @staticmethod
    def _ended(name: str) -> dict[str, Any]:
        now = state(name)
        assert not now["Running"]
        return now

    @staticmethod
    def _await_the_relay() -> None:
        """Return in the moment in which the relay says that it is connected."""
        follow = ["docker", "logs", "--follow", "--since", f"{time.time() - 1:.0f}"]
        with subprocess.Popen(
            [*follow, container("relay")], stdout=subprocess.PIPE, text=True, env=environment()
        ) as reading:
            timer = threading.Timer(CONNECTED_WITHIN_S, reading.kill)
            timer.start()
            assert reading.stdout is not None
            connected = any("relay_connected" in line for line in reading.stdout)
            timer.cancel()
            reading.kill()
        assert connected, f"the relay was not connected within {CONNECTED_WITHIN_S} s"
