"""What was measured: a table for the terminal, and JSON with all that a repeat needs."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from loadtest.bench.commands import ROOT, commit, cpu_model
from loadtest.bench.profiles import Goal
from loadtest.bench.rounds import Measured, Spread
from loadtest.bench.stack import Stack

REPORTS = ROOT / "reports"


def table(measured: Measured) -> str:
    """The lines of one profile: what each service spends on a request, then the goals."""
    profile = measured.profile
    lines = [f"{profile.name}: {profile.title} ({measured.body_bytes} bytes)"]
    for service in profile.services:
        cost = measured.cost(service)
        lines.append(f"  {service:<20} {cost.median:6.0f} µs  ({cost.least:.0f}–{cost.most:.0f})")
    for goal, ratio, met in _judged(measured):
        pair, word = f"{goal.service} / {goal.than}", "met" if met else "MISSED"
        judged = f"  goal {goal}: {word}" if goal.is_bound else ""
        spread = f"({ratio.least:.2f}–{ratio.most:.2f})"
        lines.append(f"  {pair:<20} {ratio.median:6.2f} ×   {spread}{judged}")
    return "\n".join(lines)


def all_met(results: Sequence[Measured]) -> bool:
    """Whether no goal was missed."""
    return all(met for measured in results for _, _, met in _judged(measured))


def write(results: Sequence[Measured], stack: Stack, rounds: int, seconds: int) -> Path:
    """Write the report; return its file."""
    figures = {
        "versions": stack.versions(),
        "rounds": rounds,
        "seconds_a_round": seconds,
        "profiles": [_as_json(measured) for measured in results],
    }
    return save("bench", figures, stack)


def save(name: str, figures: dict[str, Any], stack: Stack) -> Path:
    """Write figures into a file of their own, with what a repeat needs; return it."""
    now = datetime.now(UTC)
    report = {
        "measured_at": now.isoformat(timespec="seconds"),
        "commit": commit(),
        "machine": _machine(stack),
        **figures,
    }
    REPORTS.mkdir(exist_ok=True)
    file = REPORTS / f"{name}-{now:%Y-%m-%dT%H%M%SZ}.json"
    file.write_text(json.dumps(report, indent=2, ensure_ascii=False) + "\n")
    return file


def _judged(measured: Measured) -> Iterator[tuple[Goal, Spread, bool]]:
    for goal in measured.profile.goals:
        ratio = measured.ratio(goal.service, goal.than)
        yield goal, ratio, goal.met_by(ratio.median)


def _as_json(measured: Measured) -> dict[str, Any]:
    profile = measured.profile
    return {
        "profile": profile.name,
        "title": profile.title,
        "request": profile.path,
        "settings": profile.settings,
        "body_bytes": measured.body_bytes,
        "us_a_request": {name: asdict(measured.cost(name)) for name in profile.services},
        "ratios": [
            {"of": goal.service, "to": goal.than, **asdict(ratio), "goal": str(goal), "met": met}
            for goal, ratio, met in _judged(measured)
        ],
        "rounds": measured.rounds,
    }


def _machine(stack: Stack) -> dict[str, Any]:
    return {
        "cpu": cpu_model(),
        "cores": stack.cores,
        "servers_core": stack.cores[0],
        "kernel": platform.release(),
        # Of this program's own load, and of whatever else there was.
        "load_average": os.getloadavg(),
    }
