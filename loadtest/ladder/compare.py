"""Two reports side by side: did a change help? And do two of one commit agree?

A difference counts where it is more than chance makes of it. Two or three rounds of one stage tell
little of that, and least and most of two pairs often do not touch though nothing differs; so how
much a figure varies from round to round is pooled over all stages of both reports
(`figures.chance`). With one round nothing is decided.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from loadtest.ladder import figures, report
from loadtest.ladder.figures import Spread
from loadtest.ladder.report import Report

HIGHER_IS_BETTER = {
    "knee, users": True,
    "knee, req/s": True,
    "p50 at the knee, ms": False,
    "good req/s at 1,000 users": True,
    "p95 at 1,000 users, ms": False,
    "statements a request": False,
    "CPU, ms a request": False,
    "cache hit ratio": True,
    "memory, MiB": False,
}
UNKNOWN, WITHIN, UNDECIDED = "unknown", "within chance", "one round: not decided"

Figures = dict[str, "Spread | None"]


class Row(NamedTuple):
    """A figure of a stage that both reports have."""

    stage: int
    figure: str
    a: Spread | None
    b: Spread | None
    times: float | None  # B by A
    chance: float | None  # B by A may be as much, or its inverse, for no reason
    verdict: str


def compare(a: Report, b: Report) -> str:
    """Markdown: what differs between A and B, stage by stage."""
    parts = [
        f"A: {report.headline(a)}",
        f"B: {report.headline(b)}",
        *(
            f"**Not the same {what}**: the difference is not the code's alone."
            for what in unlike(a, b)
        ),
        report.table(
            ("stage", "figure", "A", "B", "B by A", "by chance", "verdict"),
            [
                (
                    str(row.stage),
                    row.figure,
                    report.said(row.a, digits=2),
                    report.said(row.b, digits=2),
                    f"{row.times:.2f} ×" if row.times else "–",
                    f"{1 / row.chance:.2f}–{row.chance:.2f}" if row.chance else "–",
                    row.verdict,
                )
                for row in rows(a, b)
            ],
        ),
    ]
    return "\n\n".join(parts) + "\n"


def unlike(a: Report, b: Report) -> list[str]:
    """What makes two reports hard to compare."""
    return [
        what
        for what, name in (
            ("machine", "machine"), ("plan", "plan"), ("data", "data"), ("boxes", "boxes"),
        )
        if a[name] != b[name]
    ]  # fmt: skip


def rows(a: Report, b: Report) -> Iterator[Row]:
    """A line for each figure of each stage that both have."""
    pairs = _pairs(a, b)
    rounds = min(a["plan"]["rounds"], b["plan"]["rounds"])
    for name, is_better in HIGHER_IS_BETTER.items():
        by_chance = figures.chance([told[name] for _, *both in pairs for told in both], rounds)
        for stage, left, right in pairs:
            one, other = left[name], right[name]
            if one is None and other is None:
                continue
            times = other["median"] / one["median"] if one and other and one["median"] else None
            word = verdict(times, by_chance, higher_is_better=is_better)
            yield Row(stage, name, one, other, times, by_chance, word)


def verdict(times: float | None, by_chance: float | None, *, higher_is_better: bool) -> str:
    """Better or worse beyond what chance makes of it; `times` is B by A."""
    if not times:
        return UNKNOWN
    if by_chance is None:
        return UNDECIDED
    if 1 / by_chance <= times <= by_chance:
        return WITHIN
    return "better" if (times > 1) is higher_is_better else "worse"


def _pairs(a: Report, b: Report) -> list[tuple[int, Figures, Figures]]:
    others = {one["stage"]: one for one in b["stages"]}
    return [
        (one["stage"], _figures(one), _figures(others[one["stage"]]))
        for one in a["stages"]
        if one["stage"] in others
    ]


def _figures(stage: dict[str, Any]) -> Figures:
    knee, many, cpu = stage["knee"], stage["many"], stage["cpu_ms_per_request"]
    total: Spread | None = None
    served = [told for name, told in cpu.items() if told and name != figures.WATCHING]
    if served:
        # Of sums, the least and the most are not known from the parts: these are their bounds.
        total = {end: round(sum(t[end] for t in served), 4) for end in ("median", "least", "most")}
    return {
        "knee, users": knee["users"],
        "knee, req/s": knee["rps"],
        "p50 at the knee, ms": knee["p50_ms"],
        "good req/s at 1,000 users": many["good_rps"],
        "p95 at 1,000 users, ms": many["p95_ms"],
        "statements a request": stage["statements_per_request"],
        "CPU, ms a request": total,
        "cache hit ratio": stage["cache_hit_ratio"],
        "memory, MiB": stage["memory_mib"],
    }
