"""Open arrival: people arrive at a rate, whether or not the site answers.

A closed crowd waits for its answers, so a site that stalls is asked less, and the requests that
would have met the stall are never sent: coordinated omission (Gil Tene, "How NOT to Measure
Latency"). Here the moments of arrival are fixed beforehand, by dice or evenly. A free person of a
pool takes the next of them and sleeps until it is due. When nobody is free, the arrival is taken
late, and its latency still counts from the moment at which it was due.

The limit: no more than the pool can be in hand at once. Beyond that, arrivals queue here instead of
at the site; that is told (`late`), and it is in the latencies.
"""

import os
import time
from collections.abc import Iterator
from itertools import count
from random import Random

from gevent import socket
from gevent.event import Event

# Later than this is not the event loop's own grain but a pool without a free person.
LATE_S = 0.01


def moments(
    rate: float, seconds: float, dice: Random | None, ahead: float = 0.0
) -> Iterator[float]:
    """Seconds since the start, in order: a Poisson process by dice, or evenly spaced without.

    `ahead` is the first moment of the even ones: so several workers take turns.
    """
    at = dice.expovariate(rate) if dice else ahead
    for number in count(1):
        if at >= seconds:
            return
        yield at
        # Even ones are not added up: the error of each sum would move the last ones.
        at = at + dice.expovariate(rate) if dice else ahead + number / rate


class Arrivals:
    """One process's part of the arrivals, handed to whoever is free."""

    def __init__(self, due: Iterator[float]) -> None:
        """`due` is as from `moments`."""
        self._due = due
        self._began = Event()
        self._start = 0.0
        self._next: float | None = next(due, None)
        self._taken = self.begun = self.served = self.late = self.unserved = 0
        self.latest_s = 0.0

    def begin(self) -> None:
        """The pool is there: the clock starts."""
        if not self._began.is_set():
            self._start = time.perf_counter()
            self._began.set()

    def wait(self) -> float | None:
        """Wait for an arrival; → the moment at which it was due (perf_counter), None: no more.

        Who has it calls `end` afterwards.
        """
        self._began.wait()
        if self._next is None:
            return None
        due = self._start + self._next
        self._next = next(self._due, None)
        self._taken += 1
        late = time.perf_counter() - due
        if late < 0:
            _sleep_until(due)
        elif late > LATE_S:
            self.late += 1
            self.latest_s = max(self.latest_s, late)
        self.begun += 1
        return due

    def end(self) -> None:
        """An arrival was served."""
        self.served += 1

    def finished(self) -> bool:
        """Whether nobody is to come any more, and all who came are served."""
        return self._next is None and self._taken == self.served

    def close(self) -> None:
        """The run is over: count who was due and found nobody free."""
        while self._next is not None and self._start + self._next < time.perf_counter():
            self.unserved += 1
            self._next = next(self._due, None)
        self.unserved += self.begun - self.served
        self._next = None

    def told(self) -> dict[str, float]:
        """For the summary."""
        return {
            "begun": self.begun,
            "unserved": self.unserved,
            "late": self.late,
            "latest_ms": round(self.latest_s * 1000, 1),
            "finished": self.finished(),
        }


def _sleep_until(due: float) -> None:
    """Sleep until a moment of perf_counter, by a timer of the kernel's own.

    The event loop's timers have a grain of a millisecond, which every latency would bear.
    """
    timer = os.timerfd_create(time.CLOCK_MONOTONIC, flags=os.TFD_NONBLOCK | os.TFD_CLOEXEC)
    try:
        os.timerfd_settime_ns(timer, flags=os.TFD_TIMER_ABSTIME, initial=int(due * 1e9))
        socket.wait_read(timer)
    finally:
        os.close(timer)
