"""Two reports side by side: did a change help?

A difference counts where the spreads of the two do not touch. Within them it may be noise, and is
said to be. With one round there is no spread, so nothing is decided.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

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
UNKNOWN = "unknown"


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
            ("stage", "figure", "A", "B", "B by A", "verdict"),
            [
                (
                    stage,
                    name,
                    report.said(left, digits=2),
                    report.said(right, digits=2),
                    times,
                    word,
                )
                for stage, name, left, right, times, word in rows(a, b)
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


def rows(a: Report, b: Report) -> Iterator[tuple[str, str, Spread | None, Spread | None, str, str]]:
    """A line for each figure of each stage that both have."""
    others = {one["stage"]: one for one in b["stages"]}
    for one in a["stages"]:
        if (other := others.get(one["stage"])) is None:
            continue
        left, right = _figures(one), _figures(other)
        for name, is_better in HIGHER_IS_BETTER.items():
            one_spread, other_spread = left[name], right[name]
            if one_spread is None and other_spread is None:
                continue
            word = verdict(one_spread, other_spread, higher_is_better=is_better)
            if min(a["plan"]["rounds"], b["plan"]["rounds"]) == 1 and word != UNKNOWN:
                word = "one round: not decided"
            yield (
                str(one["stage"]), name, one_spread, other_spread,
                _times(one_spread, other_spread), word,
            )  # fmt: skip


def verdict(left: Spread | None, right: Spread | None, *, higher_is_better: bool) -> str:
    """Better or worse where the spreads do not touch, within the spread where they do."""
    if left is None or right is None:
        return UNKNOWN
    if left["least"] <= right["most"] and right["least"] <= left["most"]:
        return "within the spread"
    return "better" if (right["median"] > left["median"]) is higher_is_better else "worse"


def _times(left: Spread | None, right: Spread | None) -> str:
    if left is None or right is None or not left["median"]:
        return "–"
    return f"{right['median'] / left['median']:.2f} ×"


def _figures(stage: dict[str, Any]) -> dict[str, Spread | None]:
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
