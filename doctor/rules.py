"""All rules: each reads figures and says how one kind of resource is; none knows of the others.

What follows from what is the verdict's (verdict.py), not theirs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from doctor import boxes, data, work
from doctor.figures import Figures
from doctor.finding import Finding

RULES: tuple[Callable[[Figures], Iterator[Finding]], ...] = (
    boxes.generator,
    boxes.cpu,
    boxes.memory,
    boxes.host_cpu,
    boxes.host_memory,
    boxes.disk,
    data.missing_index,
    data.locks,
    data.pools,
    data.replication,
    data.cache_memory,
    data.cache_silent,
    work.jobs_in_request,
    work.workers,
    work.outbox,
    work.turned_away,
)


def examine(figures: Figures) -> list[Finding]:
    """Return what all rules find, the fullest first."""
    found = [finding for rule in RULES for finding in rule(figures)]
    return sorted(found, key=lambda finding: -finding.pressure)
