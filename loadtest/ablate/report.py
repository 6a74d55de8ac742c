"""What came of it: medians with their spread, each way compared with the shipped one, and a row."""

from __future__ import annotations

import json
import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from loadtest.ablate.lab import Figures
from loadtest.ablate.techniques import Technique

Rounds = Sequence[dict[str, Figures]]
Report = dict[str, Any]


def spread(values: Sequence[float]) -> Figures:
    """The median, and between what; four digits, since no figure here is better than that."""
    found = {"median": statistics.median(values), "least": min(values), "most": max(values)}
    return {name: float(f"{value:.4g}") for name, value in found.items()}


def summed_up(technique: Technique, rounds: Rounds) -> Report:
    """All figures of all ways; and the one that decides, as a multiple of the shipped way's.

    The multiple is taken round by round, since noise comes in rounds; there is none where the
    shipped way's figure is 0.
    """
    ways = {
        way: {name: spread([each[way][name] for each in rounds]) for name in rounds[0][way]}
        for way in technique.ways
    }
    pairs = {
        way: [(each[way][technique.figure], each[technique.shipped][technique.figure])
              for each in rounds]
        for way in technique.ways if way != technique.shipped
    }  # fmt: skip
    times = {
        way: spread([ours / shipped for ours, shipped in both])
        for way, both in pairs.items()
        if all(shipped for _, shipped in both)
    }
    return {
        "technique": technique.name,
        "variable": technique.variable,
        "stage": technique.stage,
        "figure": technique.figure,
        "unit": technique.unit,
        "shipped": technique.shipped,
        "ways": ways,
        "times_the_shipped": times,
        "rounds": list(rounds),
    }


def table(report: Report) -> str:
    """What a person reads in the terminal."""
    names = list(report["ways"][report["shipped"]])
    width = max(map(len, names))
    lines = [f"{report['technique']}: {report['variable']}; {report['unit']}"]
    for name in names:
        for way, figures in report["ways"].items():
            mark = " (shipped)" if way == report["shipped"] else ""
            lines.append(f"  {name:<{width}}  {way:>3}  {told(figures[name])}{mark}")
    for way, times in report["times_the_shipped"].items():
        lines.append(f"  {report['figure']}: {way} is {told(times)} × the shipped way's")
    return "\n".join(lines)


def row(technique: Technique, file: Path) -> str:
    """The line of docs/ablations.md that this report gives."""
    report: Report = json.loads(file.read_text())
    ways = [f"{way}: {told(figures[report['figure']])}" for way, figures in report["ways"].items()]
    times = [f"{way}: {told(each)} ×" for way, each in report["times_the_shipped"].items()]
    cells = (
        f"`make ablate-{technique.name}`",
        technique.title,
        f"`{technique.variable}`",
        technique.unit,
        "<br>".join(ways),
        "<br>".join(times),
        f"[{report['measured_at'][:10]}](../reports/{file.name})",
    )
    return f"| {' | '.join(cells)} |"


def told(figures: Figures) -> str:
    """A median with its spread, in as many digits as say something."""
    return f"{short(figures['median'])} ({short(figures['least'])}–{short(figures['most'])})"


def short(value: float) -> str:
    """Three digits that count; whole numbers from a hundred on."""
    if value == 0:
        return "0"
    if value >= 100:  # noqa: PLR2004
        return f"{value:,.0f}"
    return f"{value:.2g}" if value < 0.01 else f"{value:.3g}"  # noqa: PLR2004
