"""What a ladder does and how long each part takes. Settings are in the report; none is hidden."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

STAGES = (1, 2, 3, 4, 5)


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
    ramp_within_s: int  # a bound; a ramp that meets it says so
    seed: int = 1
    writes: float = 0.02  # WRITES of the crowd (docs/load.md)

    def order(self) -> Iterator[tuple[int, int]]:
        """(round, stage): up, then down, so that a machine that changes slowly favours no stage."""
        for number in range(1, self.rounds + 1):
            for stage in STAGES if number % 2 else reversed(STAGES):
                yield number, stage


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
    ramp_within_s=170,
)
QUICK = Plan(
    rounds=1,
    first=50,
    factor=2.0,
    halvings=0,
    most=1600,
    tries=1,
    profiles=3000,
    posts=300,
    pages=150,
    fill_within_s=15,
    warm_s=5,
    step_s=8,
    settle_s=4,
    many=1000,
    many_s=14,
    many_settle_s=7,
    ramp_within_s=60,
)
