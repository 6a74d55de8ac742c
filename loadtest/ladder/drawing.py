"""Has a report drawn, in a box that has matplotlib."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from loadtest.bench.commands import ROOT, output

FILES = "docker-compose.yml:loadtest/ladder/compose.yml"


def draw(folder: Path) -> None:
    """Write the plots and the page into the folder of a report."""
    environment = {
        **os.environ,
        "COMPOSE_FILE": FILES,
        "REPORT_FOLDER": str(folder.resolve()),
        "REPORT_USER": f"{os.getuid()}:{os.getgid()}",
    }
    subprocess.run(
        [ROOT / "bin/images", "report"], check=True, env=environment, stdout=subprocess.DEVNULL
    )
    output(
        "docker", "compose", "--progress", "quiet", "run", "--rm", "--no-deps", "report",
        environment=environment,
    )  # fmt: skip
