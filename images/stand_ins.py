"""The stand-ins: what there is (compose.yml, a folder each), what is out of date, how one is built.

A stand-in carries a fingerprint of the folder it was built from and of what it is built on, as a
label. So a changed folder is a missing image, and who pulls a new version of this repository gets
new images without being told to.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import os
import re
import shutil
import time
from collections.abc import Collection
from dataclasses import dataclass
from graphlib import TopologicalSorter
from pathlib import Path

from images.engine import Failed, docker, inspect, logged, say

TABLE = Path(__file__).resolve().parent / "compose.yml"
SOURCE_LABEL = "sluice.stand-in.source"
PARALLEL = 2  # dpkg unpacks on one core while the network fetches for the next
REBUILD = bool(os.environ.get("REBUILD"))


@dataclass(frozen=True)
class StandIn:
    """A folder of images/, what it is built on, and the fingerprint of both."""

    folder: Path
    bases: frozenset[str]
    source: str


def external_bases(dockerfile: str) -> frozenset[str]:
    """Return the images that a Dockerfile starts FROM, its own stages left aside."""
    own = {"scratch"}
    bases: set[str] = set()
    for match in re.finditer(r"(?im)^FROM\s+(?:--\S+\s+)*(\S+)(?:\s+AS\s+(\S+))?", dockerfile):
        bases |= {match[1]} - own
        own.add(match[2] or "")
    return frozenset(bases)


async def read_table() -> dict[str, StandIn]:
    """Return the stand-in of each image in compose.yml."""
    rows = json.loads(await docker("compose", "-f", str(TABLE), "config", "--format", "json"))
    services = rows["services"].values()
    return read_folders({row["image"]: Path(row["build"]["context"]) for row in services})


def read_folders(folders: dict[str, Path]) -> dict[str, StandIn]:
    """Return the stand-in of each image whose folder is there, bases before what stands on them."""
    bases: dict[str, frozenset[str]] = {}
    for image, folder in folders.items():
        if (folder / "Dockerfile").exists():
            bases[image] = external_bases((folder / "Dockerfile").read_text()) & folders.keys()
        elif (folder / "build").exists():
            bases[image] = frozenset()
    found: dict[str, StandIn] = {}
    for image in TopologicalSorter(bases).static_order():
        source = fingerprint(folders[image], [found[base].source for base in sorted(bases[image])])
        found[image] = StandIn(folders[image], bases[image], source)
    return found


def fingerprint(folder: Path, below: list[str]) -> str:
    """Return 16 hexadecimal digits that change with any file of the folder and what is below."""
    digest = hashlib.sha256("".join(below).encode())
    for file in sorted(folder.rglob("*")):
        if file.is_file() and not {"node_modules", "__pycache__"} & set(file.parts):
            head = f"{file.relative_to(folder)} {os.access(file, os.X_OK)} {file.stat().st_size} "
            digest.update(head.encode() + file.read_bytes())
    return digest.hexdigest()[:16]


async def missing_of(images: Collection[str], stand_ins: dict[str, StandIn]) -> set[str]:
    """Return the images that are not there, and stand-ins whose folder is no longer the same."""
    missing = set(images)
    for found in await inspect(images):
        labels = found["Config"]["Labels"] or {}
        for image in missing & set(found["RepoTags"]):
            current = image in stand_ins and labels.get(SOURCE_LABEL) == stand_ins[image].source
            if "sluice.stand-in" not in labels or (current and not REBUILD):
                missing.remove(image)
    return missing


def can_bootstrap() -> bool:
    """Whether this machine can make the base of all: it has Debian's tools, and root or sudo."""
    return bool(shutil.which("apt-get")) and (os.geteuid() == 0 or bool(shutil.which("sudo")))


async def build_all(images: set[str], stand_ins: dict[str, StandIn]) -> None:
    """Build stand-ins and what they stand on, a base first, two at a time. A failure ends all."""
    needed = set(images)
    for image in reversed(stand_ins):
        if image in needed:
            needed |= stand_ins[image].bases
    needed = images | await missing_of(needed, stand_ins)
    limit = asyncio.Semaphore(PARALLEL)
    tasks: dict[str, asyncio.Task[None]] = {}

    async def in_turn(image: str) -> None:
        for base in stand_ins[image].bases & tasks.keys():
            await tasks[base]
        async with limit:
            await build(image, stand_ins[image])

    async with asyncio.TaskGroup() as group:
        for image in (image for image in stand_ins if image in needed):
            tasks[image] = group.create_task(in_turn(image))


async def build(image: str, stand_in: StandIn) -> None:
    """Build one; label it with its source, and with the version that Debian really had."""
    started, name = time.monotonic(), stand_in.folder.name
    before = [found["Id"] for found in await inspect([image])]
    say(f"{image}: building from images/{name}/ …")
    command = ["docker", "compose", "-f", str(TABLE), "build", "--progress", "plain", name]
    if REBUILD:
        command.append("--no-cache")
    if (stand_in.folder / "build").exists():
        command = [str(stand_in.folder / "build"), image]
    await logged(image, name, *command)
    reads = ("--rm", "--network=none", "--entrypoint=cat", image, "/etc/stand-in")
    version = (await docker("run", *reads)).strip()
    container = (await docker("create", image)).strip()
    changes = [f"org.opencontainers.image.version={version}", f"{SOURCE_LABEL}={stand_in.source}"]
    await docker("commit", *(f"--change=LABEL {change}" for change in changes), container, image)
    await docker("rm", "--volumes", container)
    with contextlib.suppress(Failed):  # a container still has it: then it stays
        await docker("image", "rm", *before)
    note = "" if version in image else f"; its version is {version}"
    say(f"{image}: built in {time.monotonic() - started:.0f} s{note}")
