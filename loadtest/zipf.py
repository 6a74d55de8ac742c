"""Which of n things is asked for: a few often, most of them rarely."""

from math import exp, floor, gcd, log
from random import Random

GOLDEN_RATIO = 0.618


class Zipf:
    """Draws ids from 1 to n, the most wanted about n times as often as the least wanted.

    Ranks follow Zipf's law with exponent 1. They are drawn by rejection-inversion, which is exact
    and needs no table however large n is: W. Hörmann, G. Derflinger, "Rejection-inversion to
    generate variates from monotone discrete distributions", ACM TOMACS 6 (1996), 169-184.

    The popular ids are spread over all of them, as in a real community: were they 1, 2, 3 …, all
    that is hot would lie in one page of the table.
    """

    def __init__(self, n: int) -> None:
        """`n` is at least 1."""
        self._n = n
        self._low = log(1.5) - 1.0
        self._high = log(n + 0.5)
        self._always = 2.0 - exp(log(2.5) - 0.5)
        self._step = next(
            s for s in range(max(1, round(n * GOLDEN_RATIO)), 2 * n + 1) if gcd(s, n) == 1
        )

    def rank(self, dice: Random) -> int:
        """Draw a rank: 1 is the most wanted."""
        while True:
            area = self._high + dice.random() * (self._low - self._high)
            point = exp(area)
            rank = min(max(floor(point + 0.5), 1), self._n)
            if rank - point <= self._always or area >= log(rank + 0.5) - 1.0 / rank:
                return rank

    def draw(self, dice: Random) -> int:
        """Draw an id."""
        return self.id_of(self.rank(dice))

    def id_of(self, rank: int) -> int:
        """The id that has this rank: each has one, for the step shares no divisor with n."""
        return rank * self._step % self._n + 1

    def most_wanted(self, wanted: int) -> list[int]:
        """So many ids, or all there are, the most wanted first."""
        return [self.id_of(rank) for rank in range(1, min(wanted, self._n) + 1)]
