"""The search for the knee: the most users that are served well.

Served well means p95 below 500 ms and fewer than one error in a thousand. Users grow by a factor
until a step is not served well, then the gap is halved (on a scale of ratios) a few times. Nothing
is interpolated: the knee is a number of users that was really held.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

P95_MS = 500.0
ERROR_RATIO = 0.001


def is_held(p95_ms: float | None, failures: int, requests: int) -> bool:
    """Whether a step was served well. Without a request nothing was served."""
    if not requests or p95_ms is None:
        return False
    return p95_ms < P95_MS and failures < ERROR_RATIO * requests


@dataclass
class Search:
    """Says how many users come next, and is told whether they were served well.

    A step that is the only one to fail is tried again (`tries` times in all) before it is believed:
    it may have been the noise of the machine, and the knee is above it. At most `most` users come.
    """

    first: int
    factor: float
    halvings: int
    most: int
    tries: int = 2
    held: int = 0
    failed: int | None = None
    _failures: int = 0
    _asked: int = 0

    def next(self) -> int | None:
        """How many users the next step has; None when the knee is found."""
        users = self._choose()
        self._asked = users or 0
        return users

    def tell(self, *, held: bool) -> None:
        """What came of the step asked for last."""
        if not held:
            self._failures += 1
            self.failed = self._asked
            return
        self.held = self._asked
        if self._asked == self.failed:
            self.failed, self._failures = None, 0

    def _choose(self) -> int | None:
        if self.failed is None:
            users = round(self.held * self.factor) if self.held else self.first
            users = min(users, self.most)
            return users if users > self.held else None
        if not self.held:
            return math.floor(self.failed / self.factor) or None
        narrow = self.factor ** (1 / 2**self.halvings)
        middle = round(math.sqrt(self.held * self.failed))
        if self.failed / self.held > narrow * 1.01 and self.held < middle < self.failed:
            return middle
        return self.failed if self._failures < self.tries else None
