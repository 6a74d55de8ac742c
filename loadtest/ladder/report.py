"""The report: JSON with all that was measured, and Markdown. No library is needed for either.

`complete` adds what follows from the runs (`stages`, `claims`, `golden`), so a report whose
arithmetic was mended can be made again from the same runs.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from loadtest.bench.commands import Stop
from loadtest.ladder import claims, figures, golden
from loadtest.ladder.figures import Spread

Report = dict[str, Any]

FORMAT = 1  # of `runs`: another number where an older report cannot be read any more
WHOLE, PARTIAL = "report.json", "report.partial.json"
NOT_THIS = (
    "A lab on one machine: boxes, monitoring and crowd share its cores, and networks have no way.",
    "Absolute figures say little about your servers; ratios between stages say a lot.",
    "A box is a small share of a core, not a server. What a bigger box would buy is not measured.",
    "A closed loop: who waits sends nothing meanwhile. Who arrives anyway is harder to bear.",
    "Not a comparison of products: the same application at five stages, and nothing else.",
    "Minutes, not weeks: nothing here has met a full disk, a long vacuum or a Monday morning.",
)


KNEE = (
    "The knee is the most users that were served well: p95 below 500 ms and fewer than one error "
    "in a thousand. Medians of the rounds, with least–most."
)


def complete(report: Report) -> Report:
    """The report with everything that follows from its runs."""
    runs = report["runs"]
    named = {f"stage {run['stage']}, round {run['round']}": run["golden"] for run in runs}
    return {
        **report,
        "stages": figures.stages(runs),
        "claims": claims.judge(runs),
        "golden": golden.compare(named),
    }


def save(report: Report, folder: Path, name: str) -> None:
    """Write it whole, or not at all."""
    folder.mkdir(parents=True, exist_ok=True)
    beside = folder / f".{name}.new"
    beside.write_text(json.dumps(report, indent=1, ensure_ascii=False) + "\n")
    beside.rename(folder / name)


def load(folder: Path) -> Report:
    """The report in a folder, also a partial one.

    Raises:
        Stop: there is none, or one of another format.
    """
    for name in (WHOLE, PARTIAL):
        if (folder / name).exists():
            report: Report = json.loads((folder / name).read_text())
            if report.get("format") != FORMAT:
                raise Stop(f"{folder / name} was written by another version of the ladder")
            return complete(report)
    raise Stop(f"{folder} has no {WHOLE}")


def markdown(report: Report) -> str:
    """The whole report as a page of Markdown."""
    parts = [
        f"# The ladder, {report['measured_at'][:10]}",
        headline(report),
        *_warnings(report),
        "![Throughput and latency against users](throughput.png)",
        "## The stages",
        stages_table(report),
        KNEE,
        "## What was promised, and what was measured",
        claims_table(report),
        "## Where the CPU time goes",
        "![CPU time a request by service](cpu.png)",
        cpu_table(report),
        "Milliseconds a request at the knee, as the control groups count them.",
        "## Statements a request",
        "![Statements a request](statements.png)",
        "## The bottleneck at the knee",
        *bottlenecks(report),
        "## May it be believed?",
        *trust(report),
        "## Machine and settings",
        *_settings(report),
        "## What this is not",
        *(f"- {line}" for line in NOT_THIS),
    ]
    return "\n\n".join(_joined(parts)) + "\n"


def headline(report: Report) -> str:
    """When, on what, how often."""
    machine = report["machine"]
    rounds = report["plan"]["rounds"]
    return (
        f"Measured {report['measured_at']} at commit `{report['commit']}` on {machine['cores']} "
        f"cores ({machine['cpu']}) with {machine['memory_gib']:g} GiB; "
        f"{rounds} round{'s' if rounds > 1 else ''}, {report['took_s'] / 60:.0f} minutes."
    )


def _warnings(report: Report) -> list[str]:
    told = []
    if report["partial"]:
        runs, planned = len(report["runs"]), 5 * report["plan"]["rounds"]
        told.append(f"**Partial**: interrupted after {runs} of {planned} runs.")
    if report["plan"]["rounds"] == 1:
        told.append("**One round**: no figure has a spread, and no verdict should be trusted far.")
    return told


def stages_table(report: Report) -> str:
    """One line a stage."""
    first = report["stages"][0]["knee"]["rps"] if report["stages"] else None
    head = (
        "stage", "users at the knee", "req/s at the knee", "by stage 1", "p50 / p95 there, ms",
        "at 1,000 users: good req/s", "p95, ms", "errors", "statements a request", "cache hits",
    )  # fmt: skip
    rows = []
    for one in report["stages"]:
        at, crowd = one["knee"], one["many"]
        times = "–"
        if first and at["rps"] and report["stages"][0]["stage"] == 1:
            times = f"{at['rps']['median'] / first['median']:.1f} ×"
        rows.append(
            (
                str(one["stage"]), said(at["users"]), said(at["rps"]), times,
                f"{said(at['p50_ms'])} / {said(at['p95_ms'])}", said(crowd["good_rps"]),
                said(crowd["p95_ms"]), said(crowd["error_ratio"], "%"),
                said(one["statements_per_request"], digits=2), said(one["cache_hit_ratio"], "%"),
            )
        )  # fmt: skip
    return table(head, rows)


def claims_table(report: Report) -> str:
    """One line a claim."""
    rows = []
    for one in report["claims"]:
        note = " A threshold within the spread." if one["within_spread"] else ""
        note += f" {one['why_not'].capitalize()}." if one["why_not"] else ""
        rows.append(
            (one["claim"], one["claimed"], measured(one), f"**{one['verdict']}**",
             one["reading"] + note)
        )  # fmt: skip
    return table(("claim", "claimed", "measured", "verdict", "reading"), rows)


def measured(claim: dict[str, Any]) -> str:
    """A claim's figure with its unit."""
    unit = claim["unit"]
    if unit.startswith("%"):
        return f"{said(claim['measured'], '%')}{unit[1:]}"
    return f"{said(claim['measured'], digits=1)} {unit}"


def cpu_table(report: Report) -> str:
    """Services by stages."""
    head = ("service", *(f"stage {one['stage']}" for one in report["stages"]))
    rows = [
        (name, *(said(one["cpu_ms_per_request"].get(name), digits=2) for one in report["stages"]))
        for name in figures.services(report["stages"])
    ]
    return table(head, rows)


def bottlenecks(report: Report) -> list[str]:
    """What the doctor named at the end of each ramp; and who else limited it."""
    told = []
    for one in report["stages"]:
        found = one["bottlenecks"]
        rounds = Counter(each["named"] for each in found)
        for named, number in rounds.most_common():
            each = next(each for each in found if each["named"] == named)
            often = f" (in {number} of {len(found)} rounds)" if len(rounds) > 1 else ""
            evidence = f"; {each['evidence']}" if each["evidence"] else ""
            step = f". Next: {each['next_step']}" if each["next_step"] else ""
            told.append(f"- Stage {one['stage']}: {named}{often}{evidence}{step}")
        if limited := "; ".join(one["knee"]["limited_by"]):
            told.append(f"- Stage {one['stage']}'s knee is a lower bound: {limited}")
    return told


def trust(report: Report) -> list[str]:
    """The checks of the run on itself."""
    stages, same = report["stages"], report["golden"]
    off = [
        max((abs(x) for one in stages for x in _ends(one[name])), default=None)
        for name in ("little", "little_at_many")
    ]
    busiest = max((x for one in stages for x in _ends(one["generator_cpu"])), default=None)
    crowds = [
        f"stage {one['stage']}: {', '.join(one['many']['distrust'])}"
        for one in stages
        if one["many"]["distrust"]
    ]
    different = ", ".join(f"`{path}`" for path in list(same["different"])[:5])
    equal = f"{len(same['different'])} **differ**: {different}" if different else "all equal"
    rounds = report["plan"]["rounds"]
    by_chance = figures.chance((one["knee"]["rps"] for one in stages), rounds)
    again = "–" if by_chance is None else f"{1 / by_chance:.2f} to {by_chance:.2f} times as much"
    knees, crowded = ("–" if worst is None else f"{100 * worst:.1f} %" for worst in off)
    busy = "–" if busiest is None else f"{100 * busiest:.0f} %"
    return [
        f"- Golden answers: {same['asked']} asked before each of {same['runs']} runs, {equal}.",
        f"- Little's law (users = acts/s × (time of an act + pause)): off by {knees} at the knees.",
        f"- The same at 1,000 users: {crowded}. People still come there, and queues still grow.",
        f"- Another such ladder's knees, by chance alone: {again} (three standard deviations).",
        f"- The generator at the knees: {busy} of its core at most.",
        f"- At 1,000 users the stage is not alone to blame: {'; '.join(crowds) or 'nowhere'}.",
    ]


def _settings(report: Report) -> list[str]:
    machine, plan, data = report["machine"], report["plan"], report["data"]
    told = [f"{name} {value}" for name, value in machine.items()]
    much = [f"{name} {value}" for name, value in data.items()]
    return [
        f"- Machine: {', '.join(told)}; load average before: {report['load_before']}.",
        f"- Data, put back before each run: {', '.join(much)}.",
        f"- Plan: {', '.join(f'{name} {value}' for name, value in plan.items())}.",
        f"- Boxes: {'; '.join(f'{name} {size}' for name, size in report['boxes'].items())}.",
        f"- Images: {', '.join(sorted(set(report['images'].values())))}.",
    ]


def said(told: Spread | None, unit: str = "", digits: int = 0) -> str:
    """A median with its spread, as short as it can be told."""
    if told is None:
        return "–"
    if unit == "%":
        digits = 0 if told["median"] in (0, 1) else 1
    middle, least, most = (
        f"{told[name] * (100 if unit == '%' else 1):,.{digits}f}"
        for name in ("median", "least", "most")
    )
    mark = " %" if unit == "%" else ""
    return f"{middle}{mark}" if least == most else f"{middle}{mark} ({least}–{most})"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table of Markdown."""
    cells = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', '·') for cell in row)} |" for row in cells)


def _ends(told: Spread | None) -> list[float]:
    return [told["least"], told["most"]] if told else []


def _joined(parts: Sequence[str]) -> list[str]:
    """Lines of one list stay together."""
    told: list[str] = []
    for part in parts:
        if part.startswith("- ") and told and told[-1].startswith("- "):
            told[-1] += f"\n{part}"
        else:
            told.append(part)
    return told
