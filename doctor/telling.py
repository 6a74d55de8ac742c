"""The verdict as a person reads it: the bottleneck, what it stands on, what to do; then all."""

from __future__ import annotations

from doctor.finding import Finding
from doctor.verdict import Verdict, near

ROWS = 14


def told(verdict: Verdict, minutes: float, *, everything: bool = False) -> str:
    """Return the text."""
    lines = [f"the last {minutes:g} min: {verdict.load}", ""]
    found = verdict.bottleneck
    if found is None:
        close = ", ".join(f"{one.name} {one.pressure:.0%}" for one in near(verdict))
        lines.append("nothing is saturated" + (f"; nearest: {close}" if close else ""))
    else:
        lines += [
            f"bottleneck: {found.name}",
            *(
                f"  {'evidence' if not n else '':<10} {fact}"
                for n, fact in enumerate(found.evidence)
            ),
            f"  {'sure':<10} {verdict.confidence}: {verdict.why}",
            f"  {'next step':<10} {found.next_step}",
        ]
    lines += _also("full as well", verdict.beside) + _also("follows", verdict.follows)
    return "\n".join(
        [*lines, "", *_table(verdict.resources, len(verdict.resources) if everything else ROWS)]
    )


def _also(word: str, findings: tuple[Finding, ...]) -> list[str]:
    return [f"  {word:<10} {one.name}: {one.evidence[0]}" for one in findings]


def _table(findings: tuple[Finding, ...], rows: int) -> list[str]:
    lines = [f"{'FULL':>5}  {'RESOURCE':<34} EVIDENCE"]
    for one in findings[:rows]:
        mark = "!" if one.is_full else " "
        lines.append(
            f"{min(one.pressure, 9.99):>4.0%}{mark}  {one.name:<34} {', '.join(one.evidence)}"
        )
    rest = len(findings) - rows
    return lines + (
        [f"       and {rest} that are less full (`make doctor ALL=1`)"] if rest > 0 else []
    )
