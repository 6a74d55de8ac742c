"""How long to wait before trying again: growing, bounded, and different for everybody.

Without jitter all that failed together would come back together ("Exponential Backoff And Jitter",
AWS Architecture Blog, 2015).
"""

import random
from collections.abc import Sequence

# Each rung of the ladder is some queues beside each other, whose delays lie around it: a job takes
# one by chance. Their mean is 1, so the rungs add up to what the settings say.
_BESIDE = (0.7, 0.9, 1.1, 1.3)


def delay_s(tries: int, *, first_s: float, most_s: float) -> float:
    """Seconds to wait after so many tries (1, 2, …) have failed: doubling, half of it by chance.

    For what waits by itself, such as a lost connection.
    """
    full_s = min(most_s, first_s * 2.0 ** min(tries - 1, 30))
    return round(full_s / 2 + random.uniform(0, full_s / 2), 3)


def rung_delay_ms(tries: int, ladder_s: Sequence[float]) -> int | None:
    """Milliseconds that a job waits after so many tries; None when it has none left."""
    if tries > len(ladder_s):
        return None
    return random.choice(_rung_ms(ladder_s[tries - 1]))


def all_delays_ms(ladder_s: Sequence[float]) -> list[int]:
    """Every delay that `rung_delay_ms` may choose; a queue each."""
    return sorted({delay for rung_s in ladder_s for delay in _rung_ms(rung_s)})


def _rung_ms(rung_s: float) -> list[int]:
    return [max(1, round(rung_s * 1000 * factor)) for factor in _BESIDE]
