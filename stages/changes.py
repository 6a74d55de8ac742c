"""What was changed last, for whoever watches: annotations on dashboards, and what must be running.

In: a move to a stage, a deploy or a scaling that is done. Out: `.changes/PROJECT.prom`, which the
node exporter shows Prometheus (its textfile collector). Whole at any time: written beside, renamed.
"""

from __future__ import annotations

import os
import re
import time
from typing import TYPE_CHECKING, Any, Literal

from stages.compose import ROOT

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

FOLDER = ROOT / ".changes"
REPLICAS, CHANGED = "sluice_stack_replicas", "sluice_stack_changed_timestamp_seconds"
HELP = {
    REPLICAS: "Containers that a service should have.",
    CHANGED: "When the stack was changed last, and to what.",
}
LINE = re.compile(rf'({REPLICAS}|{CHANGED})\{{project="[^"]*",(\w+="[^"]*".*)\}} (\S+)')
# Only there when asked for, and free to leave.
GUESTS = {"edge-2", "edge-2-exporter", "locust"}

Series = dict[tuple[str, str], float]


def record(
    project: str, what: Literal["stage", "deploy", "scale"], to: str, replicas: Mapping[str, int]
) -> None:
    """Write down a change. A stage says all there is; the others add to what is known."""
    file = FOLDER / f"{project}.prom"
    known = _read(file.read_text()) if file.exists() else {}
    stays = REPLICAS if what == "stage" else ""
    series = {
        (name, labels): value
        for (name, labels), value in known.items()
        if name != stays and f'what="{what}"' not in labels
    }
    series |= {(REPLICAS, f'service="{name}"'): number for name, number in replicas.items()}
    told = re.sub(r"[^\w ./:@-]", "_", to)
    series[CHANGED, f'what="{what}",to="{told}"'] = round(time.time(), 3)
    FOLDER.mkdir(exist_ok=True)
    beside = file.with_suffix(f".{os.getpid()}")
    beside.write_text(_render(project, series))
    beside.chmod(0o644)  # the exporter is somebody else
    beside.rename(file)


def expected(services: Mapping[str, Any], wanted: Collection[str]) -> dict[str, int]:
    """Return how many containers each service of a stage has once it is up."""
    return {
        name: int(services[name].get("deploy", {}).get("replicas", 1))
        for name in wanted
        if name in services and name not in GUESTS and services[name]["restart"] == "unless-stopped"
    }


def _read(text: str) -> Series:
    return {(name, labels): float(value) for name, labels, value in LINE.findall(text)}


def _render(project: str, series: Series) -> str:
    lines = []
    for name, about in HELP.items():
        lines += [f"# HELP {name} {about}", f"# TYPE {name} gauge"]
        lines += [
            f'{name}{{project="{project}",{labels}}} {value:.15g}'
            for (metric, labels), value in sorted(series.items())
            if metric == name
        ]
    return "\n".join(lines) + "\n"
