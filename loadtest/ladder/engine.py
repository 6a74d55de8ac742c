"""What the engine and the kernel know of the boxes: CPU time, memory; of the machine: how busy.

The control groups' own figures, read at both ends of a step: Prometheus' cAdvisor looks every ten
seconds, and a step is shorter.
"""

from __future__ import annotations

import json
import os
import platform
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from loadtest.bench import engine
from loadtest.bench.commands import Stop, cpu_model

SERVICE = "com.docker.compose.service"
ONE_OFF = "com.docker.compose.oneoff"


@dataclass(frozen=True)
class Usage:
    """By service, of all of its boxes together."""

    cpu_ms: dict[str, float]
    memory_mib: dict[str, float]


class Boxes:
    """The boxes of a project that run now."""

    def __init__(self, project: str) -> None:
        wanted = quote(json.dumps({"label": [f"com.docker.compose.project={project}"]}))
        found = engine.ask(f"/containers/json?filters={wanted}")
        self._services = {
            box["Id"]: str(box["Labels"][SERVICE])
            for box in found
            if box["Labels"].get(ONE_OFF) != "True"
        }

    def usage(self) -> Usage:
        """Read all boxes at once."""
        cpu_ms: dict[str, float] = defaultdict(float)
        memory_mib: dict[str, float] = defaultdict(float)
        with ThreadPoolExecutor(len(self._services) or 1) as pool:
            told = pool.map(_stats, self._services)
        for service, stats in zip(self._services.values(), told, strict=True):
            if stats is None:
                continue  # it is gone: its last words are lost, the others' count
            memory = stats["memory_stats"]
            cpu_ms[service] += stats["cpu_stats"]["cpu_usage"]["total_usage"] / 1e6
            memory_mib[service] += _in_use(memory) / 2**20
        return Usage(dict(cpu_ms), dict(memory_mib))


def machine() -> dict[str, Any]:
    """What it ran on."""
    memory_kib = int(Path("/proc/meminfo").read_text().split()[1])
    return {
        "cpu": cpu_model(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_gib": round(memory_kib / 2**20, 1),
        "kernel": platform.release(),
        "engine": engine.ask("/version")["Version"],
    }


def machine_cpu_s() -> tuple[float, float]:
    """Seconds that all cores were busy, and seconds that they were there (kernel: proc(5))."""
    names = ("user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal")
    first = Path("/proc/stat").read_text().split("\n", 1)[0].split()[1 : len(names) + 1]
    spent = dict(zip(names, map(int, first), strict=True))
    idle = spent["idle"] + spent["iowait"]
    ticks = os.sysconf("SC_CLK_TCK")
    return (sum(spent.values()) - idle) / ticks, sum(spent.values()) / ticks


def _stats(box: str) -> Any:
    try:
        return engine.stats(box)
    except (OSError, Stop):
        return None


def _in_use(memory: dict[str, Any]) -> int:
    """As `docker stats` counts it: without the file cache that can be given back at once."""
    told = memory.get("stats", {})
    spare = told.get("inactive_file", told.get("total_inactive_file", 0))
    return max(0, int(memory.get("usage", 0)) - int(spare))
