"""How many people there are at a moment: the curves behind the shapes.

In: seconds since the start, and what was asked for. Out: (people, how many come or go a second), or
None when the run is over.
"""

import math
from dataclasses import dataclass

type Step = tuple[int, float]

STEPS_OF_A_RAMP = 10
# The seed's Black Friday and ticket opening: all of them are there within these seconds.
SPIKE_WITHIN_S = 3
# Of a soak's time, for its people to come: what is looked for takes hours, not a shock.
SHARE_TO_FILL = 0.05


@dataclass(frozen=True)
class Asked:
    """What a run was asked for."""

    people: int
    rate: float  # who come or go a second
    seconds: float | None  # None: until somebody stops it
    factor: int = 10

    def over(self, at: float) -> bool:
        """Whether the time is up."""
        return self.seconds is not None and at >= self.seconds


def steady(at: float, asked: Asked) -> Step | None:
    """The same number from the beginning to the end."""
    return None if asked.over(at) else (asked.people, asked.rate)


def ramp(at: float, asked: Asked) -> Step | None:
    """Ten equal steps up to all people, each as long as the others, to find the knee."""
    if asked.over(at):
        return None
    step = STEPS_OF_A_RAMP
    if asked.seconds is not None:
        step = math.floor(at / asked.seconds * STEPS_OF_A_RAMP) + 1
    people = math.ceil(asked.people * step / STEPS_OF_A_RAMP)
    return people, max(asked.rate, asked.people / STEPS_OF_A_RAMP)


def spike(at: float, asked: Asked) -> Step | None:
    """A third of the time as it was, a third with `factor` times as many, a third as before."""
    if asked.over(at) or asked.seconds is None:
        return None
    if at < asked.seconds / 3:
        return asked.people, asked.rate
    crowd = asked.people * asked.factor
    rate = max(asked.rate, (crowd - asked.people) / SPIKE_WITHIN_S)
    return (crowd if at < asked.seconds * 2 / 3 else asked.people), rate


def soak(at: float, asked: Asked) -> Step | None:
    """Come slowly, stay long."""
    if asked.over(at):
        return None
    fill_s = (asked.seconds or 0) * SHARE_TO_FILL
    return asked.people, (min(asked.rate, asked.people / fill_s) if fill_s else asked.rate)
