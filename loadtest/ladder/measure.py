"""What a step of the crowd cost: read at both of its ends, and set beside its requests."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from loadtest.bench.commands import ROOT, Stop, output
from loadtest.ladder.engine import Boxes, Usage, machine_cpu_s
from loadtest.ladder.statements import Statements

FROM_EDGE = ("HIT", "STALE", "UPDATING", "REVALIDATED")

Step = dict[str, Any]


@dataclass(frozen=True)
class Reading:
    """All counters at one moment."""

    usage: Usage
    statements: dict[str, int] | None
    machine: tuple[float, float]


class Meter:
    """Reads the counters of one stage."""

    def __init__(self, project: str, statements: Statements) -> None:
        self._boxes = Boxes(project)
        self._statements = statements

    def read(self) -> Reading:
        """Read them now."""
        return Reading(self._boxes.usage(), self._statements.count(), machine_cpu_s())


def spent(before: Reading, after: Reading) -> Step:
    """What grew between two readings."""
    busy, there = (b - a for a, b in zip(before.machine, after.machine, strict=True))
    cpu = {
        name: round(after.usage.cpu_ms[name] - began, 1)
        for name, began in before.usage.cpu_ms.items()
        if after.usage.cpu_ms.get(name, 0.0) >= began  # else one of its boxes was started anew
    }
    return {
        "cpu_ms": cpu,
        "memory_mib": {name: round(mib, 1) for name, mib in after.usage.memory_mib.items()},
        "statements": _grown(before.statements, after.statements),
        "machine_busy": round(busy / there, 3) if there else None,
    }


def _grown(before: dict[str, int] | None, after: dict[str, int] | None) -> dict[str, int] | None:
    if before is None or after is None:
        return None
    return {name: after[name] - number for name, number in before.items()}


def little(step: Mapping[str, Any]) -> float | None:
    """How far Little's law is missed: (acts/s × time of an act and its pause - users) / users.

    A person is either in an act or pausing. A big deviation means that the counts or the clocks are
    wrong, or that the step was not in balance: people still came, or a queue still grew.
    """
    if not step["acts_per_s"] or step["pause_s"] is None:
        return None
    there: float = step["acts_per_s"] * (step["act_s"] + step["pause_s"])
    return round(there / float(step["users"]) - 1, 4)


def delivered(project: str, began: float, ended: float) -> dict[str, Any] | None:
    """By the access logs of edge and balancer: what the edge answered itself, and whose bytes.

    None at stages without an edge: there everything comes from the origin.
    """
    edge = _lines(f"{project}-edge-1", began, ended)
    if edge is None:
        return None
    origin = _lines(f"{project}-lb-1", began, ended) or []
    from_edge = sum(line["cache"] in FROM_EDGE for line in edge)
    return {
        "edge_requests": len(edge),
        "edge_hit_ratio": round(from_edge / len(edge), 4) if edge else None,
        "edge_bytes": sum(line["bytes"] for line in edge),
        "origin_requests": len(origin),
        "origin_bytes": sum(line["bytes"] for line in origin),
    }


def doctor(minutes: int, at: float, environment: dict[str, str]) -> dict[str, Any] | None:
    """What `make doctor` says of the minutes before a moment; None where nobody can be asked."""
    program = ROOT / "bin/doctor"
    if not program.exists():
        return None
    words = ("--json", "--minutes", str(minutes), "--at", f"{at:.0f}")
    try:
        told: dict[str, Any] = json.loads(output(str(program), *words, environment=environment))
    except (Stop, ValueError) as trouble:
        return {"error": str(trouble)}
    return told


def _lines(box: str, began: float, ended: float) -> list[dict[str, Any]] | None:
    """The requests in a box's log; None where there is no such box."""
    since, until = (datetime.fromtimestamp(at, UTC).isoformat() for at in (began, ended))
    done = subprocess.run(
        ["docker", "logs", "--since", since, "--until", until, box],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        return None
    lines = [line for line in done.stdout.splitlines() if '"event":"request_answered"' in line]
    return [json.loads(line) for line in lines if line.endswith("}")]
