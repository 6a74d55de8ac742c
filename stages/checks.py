"""What is looked at before anything is touched: memory, disk, ports. Each problem is one line."""

from __future__ import annotations

import fcntl
import json
import os
import re
import shutil
import socket
from pathlib import Path
from typing import TextIO

from stages.compose import ROOT, Compose, Stop, docker

# What a stage needs: memory in use as measured (README, "What it needs") plus a margin.
MEMORY_MIB = {"1": 1000, "2": 1400, "3": 1900, "4": 2000, "5": 2600}
DISK_MIB = 2048
PORTS = 65_536


def only_one_at_a_time() -> TextIO:
    """Hold a lock while the stack changes: two at once would undo each other."""
    lock = (ROOT / ".stage.lock").open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise Stop("another command changes the stack of this folder: let it end first") from None
    return lock


def check_memory(stage: str) -> None:
    """Stop when the engine's machine is too small for the stage."""
    total_mib = int(docker("info", "--format", "{{ .MemTotal }}")) // 2**20
    needed_mib = int(os.environ.get("NEED_MEMORY_MIB", MEMORY_MIB[stage]))
    if total_mib < needed_mib:
        raise Stop(
            f"too little memory: stage {stage} needs {needed_mib} MiB, "
            f"the engine has {total_mib} MiB (set NEED_MEMORY_MIB=… to try all the same)"
        )


def check_disk() -> None:
    """Stop when the engine's folder has no room for data and logs (where it can be seen)."""
    folder = Path(docker("info", "--format", "{{ .DockerRootDir }}").strip())
    needed_mib = int(os.environ.get("NEED_DISK_MIB", DISK_MIB))
    if folder.exists() and (free_mib := shutil.disk_usage(folder).free // 2**20) < needed_mib:
        raise Stop(
            f"too little disk: {needed_mib} MiB are needed in {folder}, {free_mib} MiB are free "
            "(make room with `docker system prune`, or set NEED_DISK_MIB=… to try all the same)"
        )


def check_ports(compose: Compose, wanted: set[str]) -> None:
    """Stop when somebody else holds a port, and say which variable changes it."""
    raw = json.loads(compose.output("config", "--no-interpolate", "--format", "json"))["services"]
    for service in sorted(wanted & compose.services.keys()):
        ports = compose.services[service].get("ports", [])
        for port, source in zip(ports, raw[service].get("ports", []), strict=True):
            number = int(port.get("published") or 0)
            ours = number and compose.containers("{{ .ID }}", f"publish={number}")
            if number == 0 or ours or is_free(port["host_ip"], number):
                continue
            name = re.findall(r"\$\{(\w+)", str(source))[0]
            name = "PORT" if name in {"WEB_PORT", "LB_PORT", "EDGE_PORT"} else name
            other = number + 10_000 if number + 10_000 < PORTS else number - 10_000
            raise Stop(
                f"port {number} is taken: choose another one for {service}, "
                f"for example `make … {name}={other}`"
            )


def is_free(address: str, port: int) -> bool:
    """Whether a server could listen there now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError:
            return False
    return True
