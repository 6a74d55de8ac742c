"""Visitors who read at a steady pace while something happens, and remember how it went."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from statistics import quantiles
from typing import TYPE_CHECKING, Self

import httpx

from tests.system.stack import ENTRY

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass
class Crowd:
    """`readers` threads; each asks for `path(n)` with a number of its own, again and again."""

    path: Callable[[int], str]
    readers: int = 8
    every_s: float = 0.05
    answers: list[tuple[float, float, int]] = field(default_factory=list)  # began, seconds, status
    failures: list[str] = field(default_factory=list)

    def __enter__(self) -> Self:
        self._over = threading.Event()
        self._threads = [
            threading.Thread(target=self._read, args=(number,)) for number in range(self.readers)
        ]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()

    def _read(self, number: int) -> None:
        with httpx.Client(base_url=ENTRY, timeout=20) as client:
            while not self._over.wait(self.every_s):
                number += self.readers
                self._ask(client, self.path(number))

    def _ask(self, client: httpx.Client, path: str) -> None:
        began = time.monotonic()
        try:
            status = client.get(path).status_code
        except httpx.HTTPError as error:
            status = 0
            self.failures.append(f"{path}: {error!r}")
        else:
            if status != 200:
                self.failures.append(f"{path}: {status}")
        self.answers.append((began, time.monotonic() - began, status))

    def p99_ms(self, since: float, until: float) -> float:
        """Return the 99th percentile of the reads that began in this time."""
        times = [seconds for began, seconds, _ in list(self.answers) if since <= began <= until]
        return quantiles(times, n=100)[98] * 1000 if len(times) > 1 else float("nan")

    def calm_since(self, since: float, as_fast_as_s: float) -> float:
        """Return the seconds after `since` at which the last read slower than this began."""
        slow = [
            began for began, seconds, _ in self.answers if began > since and seconds > as_fast_as_s
        ]
        return max(slow, default=since) - since
