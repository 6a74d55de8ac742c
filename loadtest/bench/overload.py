"""`make bench-overload`: how much is still served when more comes than can be.

One web replica in its box of a fifth of a core behind the balancer, without a cache, so that what
limits is the replica. The knee is the highest rate at which 98 % of the reads that arrive are good:
answered within a second. Then twice and four times as much arrives, in turn with the knee's own
rate, and goodput is compared with the goodput there.
"""

from __future__ import annotations

import json
import statistics
from typing import Any

from loadtest.bench.commands import Stop
from loadtest.bench.stack import Stack

URL = "http://lb:8080"
STEPS = (60, 90, 120, 180, 260, 370, 440, 530, 640, 770, 920, 1100, 1300)  # reads a second
KNEE_AT_LEAST = 0.98
TIMES = (1, 2, 4)
AT_LEAST = 0.9
ROUNDS, SECONDS = 3, 8

Figures = dict[str, Any]


def prepare(stack: Stack) -> None:
    """The databases with data in them, one replica, and the balancer."""
    stack.prepare(images=("web", "primary", "redis", "lb"))
    stack.start(("web",), CACHE_URL="", WEB_CPUS="0.2")
    stack.start_quietly("lb", CACHE_URL="", WEB_CPUS="0.2")


def measure(stack: Stack) -> Figures:
    """The knee, then what is left of it."""
    knee = _knee(stack)
    rounds = [{str(n): _arrive(stack, n * knee) for n in TIMES} for _ in range(ROUNDS)]
    kept = {
        str(n): statistics.median(each[str(n)]["good"] / each["1"]["good"] for each in rounds)
        for n in TIMES
    }
    return {
        "knee_a_second": knee,
        "seconds": SECONDS,
        "rounds": rounds,
        "kept": kept,
        "goal_met": min(kept.values()) >= AT_LEAST,
    }


def table(measured: Figures) -> str:
    """What a person reads."""
    lines = [f"knee: {measured['knee_a_second']} reads a second; {ROUNDS} rounds of {SECONDS} s"]
    for n in map(str, TIMES):
        some = {name: statistics.median(each[n][name] for each in measured["rounds"])
                for name in ("good", "late", "turned_away", "failed")}  # fmt: skip
        told = ", ".join(f"{name.replace('_', ' ')} {count:.0f}" for name, count in some.items())
        lines.append(f"  {n} × the knee: {told}; goodput kept {measured['kept'][n]:.2f}")
    lines.append(f"  goal ≥ {AT_LEAST}: {'met' if measured['goal_met'] else 'MISSED'}")
    return "\n".join(lines)


def _knee(stack: Stack) -> int:
    _arrive(stack, STEPS[0])  # warm
    knee = 0
    for rate in STEPS:
        told = _arrive(stack, rate)
        if told["good"] < KNEE_AT_LEAST * rate * SECONDS:
            break
        knee = rate
    if not knee:
        raise Stop(f"not even {STEPS[0]} reads a second were served in time")
    return knee


def _arrive(stack: Stack, rate: float) -> Figures:
    told: Figures = json.loads(stack.inside("arrivals", str(rate), str(SECONDS), URL))
    if not told["usable"]:
        raise Stop(f"the sender was {told['behind_s']} s behind at {rate:g} a second: unusable")
    return told
