"""What Locust reads in a ladder: the crowd as it is, in steps, each with its own figures.

In: LADDER_PLAN, the fields of `plan.Plan` as JSON. Out, on standard output: a line `LADDER {json}`
when the measured part of a step begins (`open`) and ends (`close`, with its figures). The order:
warm up, climb until the knee is found (`search`), then all at once as many as the plan says.

Latency is a person's: from sending a request to its whole answer, in a closed loop. Requests count
where they end.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import time
from collections import Counter
from collections.abc import Generator, Iterator
from dataclasses import dataclass, field
from typing import Any

import gevent
from locust import LoadTestShape, events

from loadtest import locustfile
from loadtest.ladder.plan import Plan
from loadtest.ladder.search import P95_MS, Search, is_held

PLAN = Plan(**json.loads(os.environ["LADDER_PLAN"]))
TICK_S = 0.05

Wanted = tuple[int, float]  # users, and how many of them come or go in a second


@dataclass
class Window:
    """What happens between two moments."""

    took_ms: list[float] = field(default_factory=list)
    by_route: dict[str, list[float]] = field(default_factory=dict)
    errors: Counter[str] = field(default_factory=Counter)
    bad: int = 0
    acts_s: list[float] = field(default_factory=list)
    pauses_s: list[float] = field(default_factory=list)
    late_ms: list[float] = field(default_factory=list)
    bytes: int = 0
    began: float = field(default_factory=time.time)
    cpu_began_s: float = field(default_factory=time.process_time)

    def figures(self) -> dict[str, Any]:
        """All that is known at the end."""
        ended, cpu_s = time.time(), time.process_time() - self.cpu_began_s
        seconds, failures = ended - self.began, self.errors.total()
        return {
            "began": round(self.began, 3),
            "ended": round(ended, 3),
            "requests": len(self.took_ms),
            "failures": failures,
            "late_or_failed": self.bad,
            "rps": round(len(self.took_ms) / seconds, 2),
            "good_rps": round((len(self.took_ms) - failures) / seconds, 2),
            **latency(self.took_ms),
            "acts_per_s": round(len(self.acts_s) / seconds, 3),
            "act_s": mean(self.acts_s),
            "pause_s": mean(self.pauses_s),
            "bytes": self.bytes,
            "generator": {
                "cpu_share": round(cpu_s / seconds, 3),  # of one core: Locust is one thread
                "late_p95_ms": latency(self.late_ms)["p95_ms"],
            },
            "routes": {
                name: {"requests": len(took), **latency(took)}
                for name, took in sorted(self.by_route.items())
            },
            "errors": dict(self.errors.most_common(5)),
        }


def mean(values: list[float]) -> float | None:
    """The mean; None where there is nothing."""
    return round(statistics.fmean(values), 4) if values else None


def latency(took_ms: list[float]) -> dict[str, float | None]:
    """Mean and quantiles, by nearest rank; None where there is nothing."""
    ranked = sorted(took_ms)
    shares = {"p50_ms": 0.5, "p95_ms": 0.95, "p99_ms": 0.99}
    if not ranked:
        return dict.fromkeys(["mean_ms", *shares])
    quantiles = {
        name: round(ranked[max(0, -(-len(ranked) * round(share * 100) // 100) - 1)], 2)
        for name, share in shares.items()
    }
    return {"mean_ms": round(statistics.fmean(ranked), 2), **quantiles}


window = Window()


@events.request.add_listener  # type: ignore[untyped-decorator]  # Locust has no types for it
def count(
    request_type: str,
    name: str,
    response_time: float,
    response_length: int,
    exception: Exception | None,
    **_: Any,
) -> None:
    """One request is over."""
    window.took_ms.append(response_time)
    window.by_route.setdefault(f"{request_type} {name}", []).append(response_time)
    window.bytes += response_length or 0
    window.bad += bool(exception) or response_time >= P95_MS
    if exception:
        window.errors[f"{request_type} {name}: {exception}"[:200]] += 1


class Person(locustfile.Person):
    """One of the crowd, whose acts and pauses are timed: for Little's law."""

    def act(self) -> None:
        """Do what a person does next; it may be several requests, also at once."""
        began = time.perf_counter()
        try:
            super().act()
        finally:
            window.acts_s.append(time.perf_counter() - began)

    def wait_time(self) -> float:
        """Seconds until the next act."""
        seconds = super().wait_time()
        window.pauses_s.append(seconds)
        return seconds


# Else Locust would take the act of the class above, which nobody times.
Person.tasks = [Person.act]


class Steps(LoadTestShape):  # type: ignore[misc]  # as above
    """One step after the other; Locust asks once a second how many users there should be."""

    def __init__(self) -> None:
        """Nobody is there yet."""
        super().__init__()  # type: ignore[no-untyped-call]  # as above
        self._walk = walk()
        gevent.spawn(watch_lateness)

    def tick(self) -> tuple[int, float] | None:
        """Users now, and how fast they come; None at the end."""
        return next(self._walk, None)


def walk() -> Iterator[Wanted]:
    """What is wanted in each second of the run."""
    yield from step("warm", PLAN.first, PLAN.warm_s, 0)
    search = Search(PLAN.first, PLAN.factor, PLAN.halvings, PLAN.most, PLAN.tries)
    began = time.monotonic()
    last_start = began + PLAN.ramp_within_s - PLAN.step_s
    while (users := search.next()) is not None and time.monotonic() <= last_start:
        held = yield from step("ramp", users, PLAN.step_s, PLAN.settle_s)
        search.tell(held=held)
    say(
        event="ramp",
        cut_off=users is not None,
        within_s=PLAN.ramp_within_s,
        took_s=round(time.monotonic() - began, 1),
        held=search.held,
        failed=search.failed,
    )
    yield from step("many", PLAN.many, PLAN.many_s, PLAN.many_settle_s)


def step(kind: str, users: int, seconds: int, settle_s: int) -> Generator[Wanted, None, bool]:
    """What is wanted in each second of one step; in the end, whether it was served well."""
    global window  # noqa: PLW0603  # the listeners of Locust write to what is open now
    # All at once would all act at once, and stay in step with each other.
    rate = max(1.0, users / max(1.0, settle_s / 2))
    began = time.monotonic()
    while time.monotonic() < began + settle_s:
        yield users, rate
    window = Window()
    say(event="open", kind=kind, users=users)
    while time.monotonic() < began + seconds:
        yield users, rate
    figures = window.figures()
    held = is_held(figures["p95_ms"], figures["failures"], figures["requests"])
    say(event="close", kind=kind, users=users, held=held, **figures)
    return held


def watch_lateness() -> None:
    """Note how late a short sleep ends: how long this program lets everybody else wait."""
    while True:
        due = time.monotonic() + TICK_S
        gevent.sleep(TICK_S)
        window.late_ms.append((time.monotonic() - due) * 1000)


def say(**told: Any) -> None:
    """One line for whoever started this."""
    sys.stdout.write(f"LADDER {json.dumps(told)}\n")
    sys.stdout.flush()
