"""What the techniques of the cache buy: jitter, single flight, the memory of absent ids, batches.

Stage 4 without the database's replicas: whatever the cache does not answer is a statement on the
primary, and is counted there.
"""

from __future__ import annotations

import statistics
from itertools import pairwise

from loadtest.ablate.lab import Figures, Lab

AT_A_TIME = 16

HOT_KEYS, LIFE_S = 300, 4  # filled together, and read several times a second
LOOK_EVERY_S = 0.25

CROWD, REPLICAS = 200, 3  # readers of one key that is gone
CROWDS = 10  # a round

ABSENT, FIRST_ABSENT = 200, 1_000_000_000
HOT_POSTS = 50


def start_short_lived(lab: Lab, way: str, settings: dict[str, str]) -> list[str]:
    """One whose members live in the cache for some seconds."""
    return [lab.start_way("web", way, {**settings, "CACHE_USER_TTL_S": str(LIFE_S)})]


def start_three(lab: Lab, way: str, settings: dict[str, str]) -> list[str]:
    """As many as a stage has: the cluster is more than one process."""
    return [lab.start_way("web", f"{way}-{n}", settings) for n in range(1, REPLICAS + 1)]


def loads(lab: Lab, urls: list[str], _way: str, seconds: float) -> Figures:
    """Fill many keys together, read on, and see how the loads that renew them come."""
    lab.redis("FLUSHDB")
    counts = lab.statements_over(seconds, LOOK_EVERY_S)
    plan = {"at_a_time": AT_A_TIME, "order": "turns", "count": HOT_KEYS}
    told = lab.read(urls, "/api/users/{}", seconds=seconds, **plan)
    return {**peak(counts(), LOOK_EVERY_S), "reads_a_second": told["good"] / told["seconds"]}


def peak(counts: list[int], every_s: float) -> Figures:
    """The most loads a second, and the mean, of the second half: by then lives have drifted apart,
    or have not.
    """
    later = counts[len(counts) // 2 :]
    rates = [(after - before) / every_s for before, after in pairwise(later)]
    return {"peak_loads_a_second": max(rates), "mean_loads_a_second": statistics.mean(rates)}


def stampede(lab: Lab, urls: list[str], _way: str, _seconds: float) -> Figures:
    """Let a hot key go and a crowd come, several times."""
    lab.read(urls, "/api/posts/popular", at_once=REPLICAS)  # connections to the database
    before, told = lab.statements(), []
    for _ in range(CROWDS):
        lab.redis("FLUSHDB")
        crowd = lab.read(urls, "/api/posts/popular", at_once=CROWD, some_turned_away=True)
        told.append(crowd)
    return {
        "statements_a_crowd": (lab.statements() - before) / CROWDS,
        "turned_away_a_crowd": statistics.mean(each["turned_away"] for each in told),
        "p95_ms": statistics.median(each["p95_ms"] for each in told),
    }


def absent(lab: Lab, urls: list[str], _way: str, seconds: float) -> Figures:
    """Ask for members that do not exist."""
    lab.redis("FLUSHDB")
    before, primary = lab.statements(), lab.container("primary")
    spent = lab.spent_us(primary)
    plan = {"at_a_time": AT_A_TIME, "first": FIRST_ABSENT, "count": ABSENT, "order": "any"}
    told = lab.read(urls, "/api/users/{}", seconds=seconds, status=404, **plan)
    return {
        "statements_a_read": (lab.statements() - before) / told["good"],
        "db_us_a_read": (lab.spent_us(primary) - spent) / told["good"],
        "reads_a_second": told["good"] / told["seconds"],
    }


def views(lab: Lab, urls: list[str], _way: str, seconds: float) -> Figures:
    """Read hot posts, which counts views."""
    plan = {"at_a_time": AT_A_TIME, "count": HOT_POSTS}
    lab.read(urls, "/api/posts/{}", seconds=1, **plan)  # they are in the cache
    before, primary = lab.statements(), lab.container("primary")
    spent = lab.spent_us(primary)
    told = lab.read(urls, "/api/posts/{}", seconds=seconds, **plan)
    return {
        "statements_a_view": (lab.statements() - before) / told["good"],
        "db_us_a_view": (lab.spent_us(primary) - spent) / told["good"],
        "views_a_second": told["good"] / told["seconds"],
        "p95_ms": told["p95_ms"],
    }
