"""Rounds of load on several servers at once, and what each of them spent on a request.

They share one core, so whatever else the machine does slows all of them alike: the ratio of their
costs holds where no single cost does.
"""

from __future__ import annotations

import json
import re
import secrets
import statistics
from dataclasses import dataclass, field
from typing import Any

from loadtest.bench.commands import Stop
from loadtest.bench.profiles import HIT, Profile
from loadtest.bench.stack import Stack

WARM_UP_S = 2
YARDSTICKS = ("limit", "baseline", "lean")


@dataclass(frozen=True)
class Spread:
    """One figure of all rounds."""

    median: float
    least: float
    most: float

    @classmethod
    def of(cls, values: list[float]) -> Spread:
        """The spread of these values."""
        return cls(statistics.median(values), min(values), max(values))


@dataclass(frozen=True)
class Measured:
    """µs of CPU time a request: for each round, of each service."""

    profile: Profile
    body_bytes: int
    rounds: list[dict[str, float]] = field(default_factory=list)

    def cost(self, service: str) -> Spread:
        """What a request costs this service."""
        return Spread.of([costs[service] for costs in self.rounds])

    def ratio(self, service: str, than: str) -> Spread:
        """How many times as much as the other: round by round, since noise comes in rounds."""
        return Spread.of([costs[service] / costs[than] for costs in self.rounds])


def measure(stack: Stack, profile: Profile, rounds: int, seconds: int) -> Measured:
    """Start what the profile compares, check that all of it answers the same, and load it."""
    stack.remove_servers()
    apps = tuple(name for name in profile.services if name not in YARDSTICKS)
    stack.start(apps, **profile.settings)
    answer = _answer(stack, profile, apps)
    yardsticks = tuple(name for name in profile.services if name in YARDSTICKS)
    stack.start(yardsticks, LIMIT_BODY=answer["body"], LIMIT_STATUS=str(answer["status"]))
    _check_yardsticks(stack, profile, yardsticks, answer["body"])
    _burst(stack, profile, WARM_UP_S)
    measured = Measured(profile, len(answer["body"].encode()))
    for _ in range(rounds):
        measured.rounds.append(_burst(stack, profile, seconds))
    _check_hits(stack, profile)
    return measured


def _answer(stack: Stack, profile: Profile, apps: tuple[str, ...]) -> dict[str, Any]:
    """What the application answers once the cache is filled."""
    for service in apps:
        _visit(stack, profile, service)  # the first of them fills the cache
    answer = _visit(stack, profile, "web")
    told = answer["headers"].get("server-timing", "")
    if profile.timing not in told:
        raise Stop(f"{profile.name}: Server-Timing is {told!r}, without {profile.timing!r}")
    return answer


def _check_yardsticks(
    stack: Stack, profile: Profile, yardsticks: tuple[str, ...], body: str
) -> None:
    for service in yardsticks * 2:
        theirs = _visit(stack, profile, service)["body"]
        same = theirs == body if service == "limit" else _fields(theirs) == _fields(body)
        if not same:
            raise Stop(f"{profile.name}: {service} answers something else: {theirs[:200]}")


def _check_hits(stack: Stack, profile: Profile) -> None:
    """See by the application's own counters that what was measured is what was meant."""
    if profile.timing != HIT:
        return
    told = stack.visit("web", "/metrics", port=9000)["body"]
    reads = re.findall(r'^sluice_cache_reads_total{.*result="(\w+)"} (\S+)$', told, re.MULTILINE)
    missed = sum(float(number) for result, number in reads if result != "hit")
    total = sum(float(number) for _, number in reads)
    if missed > total / 1000:
        raise Stop(f"{profile.name}: {missed:.0f} of {total:.0f} reads did not come from Redis")


def _visit(stack: Stack, profile: Profile, service: str) -> dict[str, Any]:
    newcomer = {
        "email": f"{secrets.token_hex(8)}@bench.example",
        "name": "Ada Bench",
        "password": "a-long-password-of-a-bench",
    }
    return stack.visit(service, profile.path, json.dumps(newcomer) if profile.script else "")


def _fields(body: str) -> list[str]:
    return sorted(re.findall(r'"(\w+)":', body))


def _uncounted_ns(stack: Stack, profile: Profile) -> dict[str, int]:
    apps = [name for name in profile.services if name not in YARDSTICKS and profile.uncounted]
    return {name: stack.threads_ns(name, profile.uncounted) for name in apps}


def _burst(stack: Stack, profile: Profile, seconds: int) -> dict[str, float]:
    """µs a request, of each service, in one round."""
    servers = [f"{name}=http://{name}:8000{profile.path}" for name in profile.services]
    # Looking at threads costs the box something: outside of what is measured.
    uncounted = _uncounted_ns(stack, profile)
    before = {name: stack.cpu_ns(name) for name in profile.services}
    tag = secrets.token_hex(4)
    counts = json.loads(stack.inside("burst", str(seconds), tag, profile.script, *servers))
    after = {name: stack.cpu_ns(name) for name in profile.services}
    for name, spent in _uncounted_ns(stack, profile).items():
        after[name] -= spent - uncounted[name]
    for name, count in counts.items():
        if count["failed"] or not count["answered"]:
            failed = f"{count['failed']} of {count['answered']} requests failed"
            raise Stop(f"{profile.name}: {name}: {failed}; see `docker logs`")
    return {
        name: (after[name] - before[name]) / counts[name]["answered"] / 1000
        for name in profile.services
    }
