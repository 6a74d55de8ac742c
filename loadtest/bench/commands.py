"""Other programs, and the one line that is left of their failures."""

from __future__ import annotations

import platform
import subprocess
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
WITHIN_S = 900  # an image that is built for the first time


class Stop(Exception):
    """The one line that the person who typed the command gets to read."""


def output(*command: str, environment: Mapping[str, str] | None = None) -> str:
    """What a command prints.

    Raises:
        Stop: it failed, with its last words; or it did not end in time.
    """
    try:
        done = subprocess.run(
            command,
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=WITHIN_S,
        )
    except (OSError, subprocess.TimeoutExpired) as trouble:
        raise Stop(str(trouble)) from trouble
    if done.returncode:
        words = done.stderr.strip().splitlines() or [f"{command[0]} failed"]
        raise Stop(words[-1])
    return done.stdout


def commit() -> str:
    """Which code is measured."""
    try:
        return output("git", "describe", "--always", "--dirty", "--abbrev=12").strip()
    except Stop:
        return "unknown"  # a copy without its history


def cpu_model() -> str:
    """What the kernel calls the processor that is measured on."""
    told = Path("/proc/cpuinfo").read_text().splitlines()
    models = (line.split(":", 1)[1].strip() for line in told if line.startswith("model name"))
    return next(models, platform.machine())
