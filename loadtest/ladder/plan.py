"""What a ladder does and how long each part takes. Settings are in the report; none is hidden."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

STAGES = (1, 2, 3, 4, 5)
LEAST_STEPS = 3  # of a ramp: with fewer there is no knee


@dataclass(frozen=True)
class Plan:
    """The settings of a ladder; times in seconds, from the first visitor on."""

    rounds: int
    first: int  # users of the ramp's first step
    factor: float
    halvings: int
    most: int
    tries: int
    # So many of the most wanted are in the cache before, where there is one: see `warm`.
    profiles: int
    posts: int
    pages: int
    fill_within_s: int
    warm_s: int
    step_s: int
    # Of a step, left out: in its first half people come, then old requests end.
    settle_s: int
    many: int  # the seed's figure: so many users at once
    many_s: int
    many_settle_s: int
    ramp_within_s: int  # no step begins that would end later; a ramp that meets it says so
    within_s: int  # the whole ladder; ramps end earlier where it would take longer
    seed: int = 1
    writes: float = 0.02  # WRITES of the crowd (docs/load.md)

    def order(self) -> Iterator[tuple[int, int]]:
        """(round, stage): up, then down, so that a machine that changes slowly favours no stage."""
        for number in range(1, self.rounds + 1):
            for stage in STAGES if number % 2 else reversed(STAGES):
                yield number, stage

    def bounded(self, took_s: float, runs: Sequence[Mapping[str, Any]]) -> Plan:
        """The plan of the next run: its ramp may take its share of the time that is left.

        Beside their ramps, the runs to come take as long as those until now did on the average. A
        ramp has `LEAST_STEPS` in any case, also when the ladder takes longer for it.
        """
        if not runs:
            return self
        to_come = self.rounds * len(STAGES) - len(runs)
        beside_s = statistics.fmean(run["took_s"] - run["ramp"]["took_s"] for run in runs)
        share_s = int((self.within_s - took_s) / to_come - beside_s)
        return replace(
            self, ramp_within_s=max(LEAST_STEPS * self.step_s, min(self.ramp_within_s, share_s))
        )


FULL = Plan(
    rounds=2,
    first=100,
    factor=2.0,
    halvings=3,
    most=2100,
    tries=2,
    profiles=3000,
    posts=300,
    pages=150,
    fill_within_s=20,
    warm_s=10,
    step_s=17,
    settle_s=6,
    many=1000,
    many_s=30,
    many_settle_s=10,
    ramp_within_s=175,
    within_s=39 * 60,
)
QUICK = Plan(
    rounds=1,
    first=100,
    factor=2.5,
    halvings=0,
    most=1600,
    tries=1,
    profiles=3000,
    posts=300,
    pages=150,
    fill_within_s=10,
    warm_s=4,
    step_s=8,
    settle_s=4,
    many=1000,
    many_s=10,
    many_settle_s=5,
    ramp_within_s=60,
    within_s=558,
)
