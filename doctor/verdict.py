"""From findings to the verdict: the cause comes before what follows from it.

A pool is full because the database is at its limit, and that is at its limit because an index is
missing: all three are full, and only the last helps. So a full resource is set aside when one that
explains it is full as well; of the rest the fullest is the bottleneck.
"""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from doctor.figures import Figures
from doctor.finding import NEAR, Finding
from doctor.rules import examine

# What is explained by what; patterns of parts, without a circle (tests/unit/test_doctor.py).
CAUSES: dict[str, tuple[str, ...]] = {
    "pool": ("index", "lock", "cpu:primary", "cpu:replica-*", "replication", "cpu:web"),
    "lock": ("index", "cpu:primary"),
    "cpu:primary": ("index", "replication", "redis-memory", "redis-silent", "cpu:redis"),
    "cpu:replica-*": ("index", "redis-memory", "redis-silent", "cpu:redis"),
    "replication": ("cpu:replica-*",),
    "redis-silent": ("cpu:redis", "cpu:web"),
    # A job's time holds its own statements and its wait for a connection. It cannot fill a pool: a
    # replica does two at a time (jobs_in_requests).
    "request-job": ("cpu:web", "cpu:primary", "index", "lock", "pool", "host"),
    "smtp": ("cpu:mail", "cpu:web", "cpu:primary", "index", "lock", "pool", "host"),
    "queue": ("cpu:worker", "cpu:mail", "cpu:primary", "lock"),
    "outbox": ("cpu:relay", "cpu:rabbitmq", "cpu:primary"),
    "turned away": ("*",),
    # More cores for the machine give nothing to a box that is at its own limit.
    "host": ("cpu:*", "generator"),
}
UNDER_LOAD = 1.0  # requests a second
SLOW_S = 0.5


@dataclass(frozen=True)
class Verdict:
    """The bottleneck, how sure that is and why; the others that are full; everything seen."""

    bottleneck: Finding | None
    confidence: str
    why: str
    beside: tuple[Finding, ...]
    follows: tuple[Finding, ...]
    resources: tuple[Finding, ...]
    load: str

    def as_json(self) -> dict[str, Any]:
        """Return it for a program."""
        found = self.bottleneck
        named = found and {
            "resource": found.resource,
            "service": found.service,
            "part": found.part,
            "evidence": list(found.evidence),
            "confidence": self.confidence,
            "why": self.why,
            "next_step": found.next_step,
        }
        return {
            "bottleneck": named,
            "load": self.load,
            "resources": [
                {
                    "resource": one.resource,
                    "service": one.service,
                    "part": one.part,
                    "busy": one.busy,
                    "pressure": round(one.pressure, 3),
                    "full": one.is_full,
                    "evidence": list(one.evidence),
                }
                for one in self.resources
            ],
        }


def judge(figures: Figures, window_s: float) -> Verdict:
    """Examine everything, and set aside what follows from something else."""
    findings = examine(figures)
    full = [finding for finding in findings if finding.is_full]
    roots = [finding for finding in full if not _explained(finding, full)]
    # A crowd at its limit measures itself: whatever else is full, it comes first.
    roots.sort(key=lambda finding: finding.part != "generator")
    first = roots[0] if roots else None
    beside = tuple(one for one in roots[1:] if first and one.part != first.part)
    confidence, why = _confidence(first, beside, figures.value("known_s") / window_s)
    return Verdict(
        bottleneck=first,
        confidence=confidence,
        why=why,
        beside=beside,
        follows=tuple(one for one in full if one not in roots),
        resources=tuple(findings),
        load=_load(figures, quiet=first is None),
    )


def _explained(finding: Finding, full: list[Finding]) -> bool:
    patterns = [
        cause
        for part, causes in CAUSES.items()
        if fnmatchcase(finding.part, part)
        for cause in causes
    ]
    return any(
        fnmatchcase(other.part, pattern) and other.part != finding.part
        for other in full
        for pattern in patterns
    )


def _confidence(
    first: Finding | None, beside: tuple[Finding, ...], known: float
) -> tuple[str, str]:
    """Two signs that agree, nothing else full, the whole window known: each lack is a step down."""
    lacks = []
    if first and first.signs < 2:  # noqa: PLR2004 # busy, and somebody waiting
        lacks.append("one sign alone says so")
    if beside:
        lacks.append(f"{beside[0].name} is full as well, and neither explains the other")
    if known < 0.5:  # noqa: PLR2004 # half of the window
        lacks.append(f"Prometheus knows {known:.0%} of these minutes")
    level = ("high", "medium", "low")[min(len(lacks), 2)]
    agreed = "two signs agree and nothing else explains it" if first else "every resource was seen"
    return level, "; ".join(lacks) or agreed


def _load(figures: Figures, *, quiet: bool) -> str:
    requests, p95 = figures.value("requests"), figures.value("p95")
    if requests < UNDER_LOAD:
        return f"no load: {requests:.1f} requests a second (`make load` sends some)"
    words = f"{requests:.0f} requests a second, p95 {p95 * 1000:.0f} ms"
    if figures.value("errors") >= 0.05:  # noqa: PLR2004 # a second
        words += f", {figures.value('errors'):.1f} errors a second"
    if quiet and p95 >= SLOW_S:
        words += "; slow all the same: the cause is none of the resources that are seen"
    return words


def near(verdict: Verdict) -> tuple[Finding, ...]:
    """Return what is not full, but nearly."""
    return tuple(one for one in verdict.resources if one.pressure >= NEAR and not one.is_full)
