"""Ask the Docker engine: short questions, and long programs that leave nothing behind.

In: the words after `docker`, or a whole command with a log. Out: what it prints; Failed with the
engine's own last words. Whatever ends this process early (Ctrl-C, SIGTERM, a time limit, a failure
of another program beside it) ends the program and all its children first.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE, STDOUT, Process
from collections.abc import AsyncIterator, Collection
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
LOGS = Path.home() / ".cache" / "sluice" / "images"
WITHIN_S = 1800  # one pull or build over a slow line


class Failed(Exception):
    """What the person who typed the command gets to read."""


def say(line: str) -> None:
    """Tell a step to the person who waits."""
    sys.stderr.write(f"images: {line}\n")


async def docker(*arguments: str) -> str:
    """Return what a short docker command prints; raise Failed with its last words."""
    try:
        process = await asyncio.create_subprocess_exec(
            "docker", *arguments, cwd=ROOT, stdin=DEVNULL, stdout=PIPE, stderr=PIPE
        )
    except FileNotFoundError:
        raise Failed("there is no docker command: run bin/engine first") from None
    out, error = await process.communicate()
    if process.returncode:
        raise Failed((error.decode().strip() or f"docker {arguments[0]} failed").splitlines()[-1])
    return out.decode()


async def inspect(images: Collection[str]) -> list[dict[str, Any]]:
    """Return what the engine knows of those images that it has."""
    known = set((await docker("image", "ls", "--format", "{{.Repository}}:{{.Tag}}")).split())
    there = [image for image in images if image in known or f"{image}:latest" in known]
    found: list[dict[str, Any]] = []
    if there:
        found = json.loads(await docker("image", "inspect", *there))
    return found


@contextlib.asynccontextmanager
async def program(*command: str, output: int) -> AsyncIterator[Process]:
    """Run a program in a group of its own, so that its children end with it."""
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=ROOT,
        stdin=DEVNULL,
        stdout=output,
        stderr=STDOUT,
        start_new_session=True,
        # Bake wants the buildx plugin, which not every engine has; Compose builds without it too.
        env=os.environ | {"COMPOSE_BAKE": "false"},
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            # Asked to end, not killed: a build then takes its half-made layers and folders away.
            os.killpg(process.pid, signal.SIGTERM)
        await process.wait()


async def logged(what: str, log: str, *command: str) -> None:
    """Run a long program into a log. When it fails, show the log's end and say what failed."""
    LOGS.mkdir(parents=True, exist_ok=True)
    with (LOGS / f"{log}.log").open("w+") as file:
        try:
            async with asyncio.timeout(WITHIN_S), program(*command, output=file.fileno()) as made:
                code = await made.wait()
        except TimeoutError:
            code = -1
        if code == 0:
            return
        file.seek(0)
        lines = file.read().splitlines()
        sys.stderr.write("\n".join([*lines[-20:], ""]))
    why = f"exit code {code}" if code > 0 else f"not done after {WITHIN_S} s"
    if any("no space left on device" in line.lower() for line in lines):
        why += ", the engine's disk is full: `docker system df` shows by what"
    raise Failed(f"{what} could not be built ({why}); the whole log: {file.name}")
