"""Fills the cache with what the crowd would have left there, where there is a cache.

Which is, of what people come to from elsewhere, about as much as a steady crowd of 200 requests a
second finds: the profiles (3,000: 82 % of these reads; a steady crowd finds 88 %), the posts (300:
49 %, as the crowd) and the members' first pages (150: 53 %; 55 %) that are wanted most. The
arithmetic is in docs/caching.md: λT / (1 + λT) of each thing, weighted by Zipf's law.
What is on lists comes by the warm-up and the ramp, as the crowd goes.
"""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

from loadtest.ladder.golden import Visitor
from loadtest.ladder.plan import Plan
from loadtest.zipf import Zipf

AT_ONCE = 16


def fill(port: int, members: int, posts: int, plan: Plan) -> int:
    """Ask for what is wanted most; return how much was asked for in time."""
    who, what = Zipf(members), Zipf(posts)
    paths = iter(
        [
            *(f"/api/users/{one}" for one in who.most_wanted(plan.profiles)),
            *(f"/api/posts/{one}" for one in what.most_wanted(plan.posts)),
            *(f"/api/users/{one}/posts" for one in who.most_wanted(plan.pages)),
        ]
    )
    until, lock = time.monotonic() + plan.fill_within_s, threading.Lock()

    def ask() -> int:
        asked = 0
        with Visitor(port) as visitor:
            while time.monotonic() < until:
                with lock:
                    path = next(paths, None)
                if path is None:
                    break
                visitor.get(path)
                asked += 1
        return asked

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return sum(each.result() for each in [pool.submit(ask) for _ in range(AT_ONCE)])
