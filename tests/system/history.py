"""What writers and readers of one value saw, and whether it can be so.

A value is a number that only grows: write n puts n. The checker knows nothing of caches or
replicas; it compares times that the clients took.
"""

from __future__ import annotations

import threading
import time
from bisect import bisect_right
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Read:
    """One read: when it began and ended, what it saw, and who says so (Server-Timing, cache)."""

    began: float
    ended: float
    seen: int
    source: str


@dataclass
class History:
    """All of one value. Writes come from one writer, one after the other."""

    sent: int = 0
    acknowledged: list[tuple[float, int]] = field(default_factory=list)  # when, which: both grow
    # Those whose invalidation Redis had taken when they were answered.
    told: list[tuple[float, int]] = field(default_factory=list)
    reads: list[Read] = field(default_factory=list)
    own_reads: list[Read] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def begin_write(self) -> int:
        """Return the number of the next write."""
        self.sent += 1
        return self.sent

    def end_write(self, number: int, *, told: bool) -> None:
        """Note that the write was answered with success just now."""
        self.acknowledged.append((time.monotonic(), number))
        if told:
            self.told.append(self.acknowledged[-1])

    def too_old(self, reads: list[Read], writes: list[tuple[float, int]]) -> list[str]:
        """Return a line for each read that missed one of the writes, answered before it began."""
        times = [when for when, _ in writes]
        lines = []
        for read in reads:
            before = bisect_right(times, read.began)
            latest = writes[before - 1][1] if before else 0
            if read.seen < latest:
                age_s = read.began - writes[before - 1][0]
                lines.append(f"saw {read.seen} {age_s:.3f} s after {latest} ({read.source})")
        return lines

    def impossible(self) -> list[Read]:
        """Return reads of what nobody had sent."""
        return [read for read in self.reads + self.own_reads if read.seen > self.sent]
