"""Chance that can be repeated, and Zipf's law: the item of rank r is drawn in proportion to 1 / r.

Only `Random.random()` is used, and only basic arithmetic: for this method alone Python promises the
same numbers in every version, and IEEE 754 promises the same results of + and / on every machine.
Source: G. K. Zipf, Human Behavior and the Principle of Least Effort, 1949.
"""

from bisect import bisect_right
from collections.abc import Callable, Sequence
from itertools import accumulate
from random import Random

type Dice = Callable[[], float]


def dice(seed: int, purpose: str) -> Dice:
    """Return a source of numbers in [0, 1), of its own for each purpose.

    So that one more draw for a title does not change who writes the next post.
    """
    return Random(f"{seed}/{purpose}").random


class Ranked[Item]:
    """Items in order of popularity, drawn by Zipf's law.

    `shift` flattens the top: the weight of rank r is 1 / (r + shift), so that with 0 the first is
    drawn twice as often as the second, and with 10 almost as often.
    """

    def __init__(self, items: Sequence[Item], shift: float = 0.0) -> None:
        """Precompute the steps of the cumulative distribution."""
        self.items = items
        steps = list(accumulate(1 / (rank + shift) for rank in range(1, len(items) + 1)))
        self._steps = [step / steps[-1] for step in steps]

    def draw(self, random: Dice) -> Item:
        """Return one item."""
        return self.items[bisect_right(self._steps, random())]
