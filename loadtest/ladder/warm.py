"""Fills the cache with what an hour of the crowd would have left there, where there is a cache.

Only profiles live that long (TTL 3600 s). Posts and lists live a minute or a few: the warm-up and
the ramp fill them as the crowd does.
"""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import count

from loadtest.ladder.golden import Visitor
from loadtest.zipf import Zipf

AT_ONCE = 16


def fill(port: int, members: int, wanted: int, within_s: float) -> int:
    """Ask for the profiles that are wanted most; return how many were asked for in time."""
    ranks, most = Zipf(members), min(wanted, members)
    until = time.monotonic() + within_s
    numbers, lock = count(1), threading.Lock()

    def ask() -> int:
        asked = 0
        with Visitor(port) as visitor:
            while time.monotonic() < until:
                with lock:
                    rank = next(numbers)
                if rank > most:
                    break
                visitor.get(f"/api/users/{ranks.id_of(rank)}")
                asked += 1
        return asked

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return sum(each.result() for each in [pool.submit(ask) for _ in range(AT_ONCE)])
