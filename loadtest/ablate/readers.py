"""Readers of one or several servers: `readers PLAN`, a JSON object.

Runs in the box that sends load. The plan says how they come:

- `at_a_time`: so many, each with the next request as soon as it has its answer, for `seconds`.
  Who is turned away (503) comes again after `PAUSE_S`.
- `rate`: so many a second, whether or not answers come back, for `seconds`. A latency is counted
  from the moment at which the request was due.
- `at_once`: so many, on connections that are open already, each once.

and what they ask for: `paths`, in which `{}` stands for an id from `first` on, one of `count`:
by Zipf's law, by turns (`order`: `turns`), or with no preference (`order`: `any`). The same `seed`
asks for the same. `status` is the answer that is a good one.

Out, as JSON: how many were good, turned away (503) or something else (failed), p50, p95 and p99 of
the good ones in milliseconds, and how long it took. `behind_s`: by how much the readers themselves
were late at worst.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import sys
import time
from collections.abc import Iterator
from itertools import count
from random import Random
from typing import Any

from loadtest.bench.arrivals import Sender
from loadtest.zipf import Zipf

GIVEN_UP_S = 10.0
PAUSE_S = 0.1
TURNED_AWAY = b"503"

Plan = dict[str, Any]


class Readers:
    """Ask, and remember what came of it."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._servers = [Sender(url) for url in plan["urls"]]
        self._paths = paths(plan)
        self._turn = count()
        self._good = str(plan.get("status", 200)).encode()
        self._ms: list[float] = []
        self._told = {"good": 0, "turned_away": 0, "failed": 0}
        self._behind_s = 0.0

    async def read(self) -> Plan:
        """All of the plan."""
        began = time.monotonic()
        if "at_once" in self._plan:
            began = await self._at_once(self._plan["at_once"])
        elif "rate" in self._plan:
            await self._at_rate(self._plan["rate"], self._plan["seconds"])
        else:
            until = began + self._plan["seconds"]
            async with asyncio.TaskGroup() as visitors:
                for _ in range(self._plan["at_a_time"]):
                    visitors.create_task(self._again(until))
        seconds = time.monotonic() - began
        return {**self._told, **shares(self._ms), "seconds": seconds, "behind_s": self._behind_s}

    async def _at_once(self, number: int) -> float:
        servers = [self._servers[each % len(self._servers)] for each in range(number)]
        await asyncio.gather(*(server.connect() for server in servers))
        began = time.monotonic()
        await asyncio.gather(*(self._ask(server, time.monotonic()) for server in servers))
        return began

    async def _at_rate(self, rate: float, seconds: float) -> None:
        began = time.monotonic()
        async with asyncio.TaskGroup() as visitors:
            for number in range(int(rate * seconds)):
                due = began + number / rate
                if (early := due - time.monotonic()) > 0:
                    await asyncio.sleep(early)
                self._behind_s = max(self._behind_s, time.monotonic() - due)
                visitors.create_task(self._ask(self._next(), due))

    async def _again(self, until: float) -> None:
        while (now := time.monotonic()) < until:
            if await self._ask(self._next(), now) == TURNED_AWAY:
                await asyncio.sleep(PAUSE_S)

    def _next(self) -> Sender:
        return self._servers[next(self._turn) % len(self._servers)]

    async def _ask(self, server: Sender, due: float) -> bytes:
        try:
            async with asyncio.timeout(GIVEN_UP_S):
                status = await server.get(next(self._paths))
        except (OSError, asyncio.IncompleteReadError, TimeoutError):
            status = b""
        if status == self._good:
            self._told["good"] += 1
            self._ms.append((time.monotonic() - due) * 1000)
        else:
            self._told["turned_away" if status == TURNED_AWAY else "failed"] += 1
        return status


def paths(plan: Plan) -> Iterator[str]:
    """What is asked for, one after the other."""
    dice = Random(plan["seed"])
    first, number, order = plan.get("first", 1), plan.get("count", 1), plan.get("order", "zipf")
    zipf = Zipf(number)
    for turn in count():
        if order == "turns":
            offset = turn % number
        else:
            offset = dice.randrange(number) if order == "any" else zipf.draw(dice) - 1
        yield dice.choice(plan["paths"]).format(first + offset)


def shares(ms: list[float]) -> dict[str, float]:
    """p50, p95 and p99; of one answer or none there are no shares."""
    if len(ms) < 2:  # noqa: PLR2004
        return {}
    parts = statistics.quantiles(ms, n=100, method="inclusive")
    return {f"p{n}_ms": round(parts[n - 1], 2) for n in (50, 95, 99)}


if __name__ == "__main__":
    print(json.dumps(asyncio.run(Readers(json.loads(sys.argv[1])).read())))
