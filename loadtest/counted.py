"""What the crowd counts itself: per route and per ten seconds, finer than Locust's table.

In: each request as it ends, and how the generator itself fares (`watch`). Out: a summary for a
person, and the same as JSON. Workers send what they counted to the master, which adds it up.

Latencies are counted by their first three digits, so a percentile is right to 0.5 % and the counts
of many processes can be added, which percentiles cannot.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

SLICE_S = 10
# A generator that needs more of its CPU than this, or whose event loop is later than this in one of
# twenty looks, measures itself.
CPU_SHARE_MAX = 0.9
LATE_MAX_MS = 100.0
# One slice of ten may be so: a moment in which the machine did something else.
SHARE_OF_UNUSABLE_SLICES = 0.1
# What is shorter says nothing.
SHORTEST_SLICE_S = 2.0
# The knee: the highest rate that is served this well.
KNEE_P95_MS = 500.0
KNEE_FAILURES = 0.001

PERCENTILES = {"p50_ms": 0.5, "p95_ms": 0.95, "p99_ms": 0.99, "p99_9_ms": 0.999}

type Figures = dict[str, Any]


def bucket(ms: float) -> int:
    """Microseconds, three digits of them."""
    us = round(ms * 1000)
    size = int(10 ** max(0, len(str(us)) - 3))
    return round(us / size) * size


def percentile(counts: Counter[int], share: float) -> float:
    """The latency in ms that this share of the requests did not exceed (nearest rank)."""
    wanted = max(1, -(-counts.total() * share // 1))
    for us in sorted(counts):
        wanted -= counts[us]
        if wanted <= 0:
            return us / 1000
    return 0.0


@dataclass
class Tally:
    """Some requests."""

    latencies: Counter[int] = field(default_factory=Counter)
    failures: int = 0

    def add(self, ms: float, *, failed: bool) -> None:
        """One more."""
        self.latencies[bucket(ms)] += 1
        self.failures += failed

    def figures(self, seconds: float) -> Figures:
        """In numbers, for these seconds."""
        requests = self.latencies.total()
        return {
            "requests": requests,
            "failures": self.failures,
            "rps": round(requests / seconds, 2) if seconds else 0.0,
            **{name: percentile(self.latencies, share) for name, share in PERCENTILES.items()},
            "max_ms": max(self.latencies, default=0) / 1000,
        }


@dataclass
class Slice:
    """Ten seconds of one process."""

    routes: dict[str, Tally] = field(default_factory=dict)
    users: int = 0
    cpu_s: float = 0.0
    watched_s: float = 0.0
    late: Counter[int] = field(default_factory=Counter)


class Counted:
    """One process's counts, slice by slice."""

    def __init__(self, cpus: float = 1.0) -> None:
        """`cpus` is what this process may use: never more than one, for it has one thread."""
        self.cpus = cpus
        self.slices: dict[int, Slice] = {}
        self.last_s = 0.0  # when the last request ended

    def at(self, second: float) -> Slice:
        """The slice of a moment, in seconds since the start."""
        return self.slices.setdefault(int(second // SLICE_S), Slice())

    def request(self, second: float, route: str, ms: float, *, failed: bool) -> None:
        """A request ended."""
        self.last_s = second
        self.at(second).routes.setdefault(route, Tally()).add(ms, failed=failed)

    def take(self) -> Figures:
        """All of it, to be sent to the master; what was sent is forgotten here."""
        sent = {
            "cpus": self.cpus,
            "last_s": self.last_s,
            "slices": [
                {
                    "number": number,
                    "routes": [
                        [route, one.failures, list(one.latencies.items())]
                        for route, one in each.routes.items()
                    ],
                    "cpu_s": each.cpu_s,
                    "watched_s": each.watched_s,
                    "late": list(each.late.items()),
                }
                for number, each in self.slices.items()
            ],
        }
        self.slices = {}
        return sent

    def put(self, sent: Figures) -> None:
        """Add what `take` of this process gave."""
        self.cpus, self.last_s = sent["cpus"], sent["last_s"]
        for one in sent["slices"]:
            here = self.slices.setdefault(one["number"], Slice())
            for route, failures, latencies in one["routes"]:
                tally = here.routes.setdefault(route, Tally())
                tally.failures += failures
                tally.latencies.update(dict(latencies))
            here.cpu_s += one["cpu_s"]
            here.watched_s += one["watched_s"]
            here.late.update(dict(one["late"]))


def summary(processes: Iterable[Counted], seconds: float) -> Figures:
    """Everything that was counted in a run of these seconds."""
    counted = list(processes)
    numbers = sorted({number for each in counted for number in each.slices})
    slices = [_slice(counted, number, seconds) for number in numbers]
    routes: dict[str, Tally] = {}
    for each in counted:
        for one in each.slices.values():
            _add(routes, one.routes)
    bad = [one["reason"] for one in slices if one["reason"]]
    usable = len(bad) <= len(slices) * SHARE_OF_UNUSABLE_SLICES
    reason = None if usable else f"{bad[-1]} ({len(bad)} of {len(slices)} slices of {SLICE_S} s)"
    return {
        "seconds": round(seconds, 2),
        "users": max((one["users"] for one in slices), default=0),
        **_sum(routes.values()).figures(seconds),
        "usable": usable,
        "reason": reason,
        "generator": {"processes": len(counted), **_generator(counted, numbers)},
        "routes": {route: routes[route].figures(seconds) for route in sorted(routes)},
        "slices": slices,
    }


def knee(slices: list[Figures]) -> Figures | None:
    """The slice with the highest rate that was still served well; None: none was."""
    good = [
        one
        for one in slices
        if one["usable"]
        and one["requests"]
        and one["p95_ms"] < KNEE_P95_MS
        and one["failures"] / one["requests"] < KNEE_FAILURES
    ]
    return max(good, key=lambda one: one["rps"], default=None)


def _slice(counted: list[Counted], number: int, seconds: float) -> Figures:
    parts = [each.slices[number] for each in counted if number in each.slices]
    routes: dict[str, Tally] = {}
    for part in parts:
        _add(routes, part.routes)
    length = min(float(SLICE_S), max(seconds - number * SLICE_S, 0.0))
    generator = _generator(counted, [number])
    reason = _reason(generator) if length >= SHORTEST_SLICE_S else None
    return {
        "from_s": number * SLICE_S,
        "seconds": round(length, 2),
        "users": sum(part.users for part in parts),
        **_sum(routes.values()).figures(length),
        "generator": generator,
        "usable": reason is None,
        "reason": reason,
    }


def _generator(counted: list[Counted], numbers: list[int]) -> Figures:
    """How the busiest process fared: it is enough that one of them is a bottleneck."""
    shares, late = [0.0], [0.0]
    for each in counted:
        parts = [each.slices[number] for number in numbers if number in each.slices]
        watched_s = sum(part.watched_s for part in parts)
        if watched_s:
            shares.append(sum(part.cpu_s for part in parts) / watched_s / each.cpus)
        late.append(percentile(sum((part.late for part in parts), Counter()), 0.95))
    return {"cpu_share": round(max(shares), 3), "late_p95_ms": round(max(late), 1)}


def _reason(generator: Figures) -> str | None:
    if generator["cpu_share"] > CPU_SHARE_MAX:
        return f"the generator needs {generator['cpu_share']:.0%} of its CPU"
    if generator["late_p95_ms"] > LATE_MAX_MS:
        return f"the generator's event loop is {generator['late_p95_ms']:.0f} ms late"
    return None


def _add(routes: dict[str, Tally], more: dict[str, Tally]) -> None:
    for route, tally in more.items():
        here = routes.setdefault(route, Tally())
        here.failures += tally.failures
        here.latencies.update(tally.latencies)


def _sum(tallies: Iterable[Tally]) -> Tally:
    all_of_them = Tally()
    for tally in tallies:
        all_of_them.failures += tally.failures
        all_of_them.latencies.update(tally.latencies)
    return all_of_them
