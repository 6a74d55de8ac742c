"""How long to wait before trying again: growing, bounded, and different for everybody.

Without jitter all that failed together would come back together ("Exponential Backoff And Jitter",
AWS Architecture Blog, 2015: "equal jitter").
"""

import random


def delay_s(tries: int, *, first_s: float, most_s: float) -> float:
    """Seconds to wait after so many tries (1, 2, …) have failed: doubling, half of it by chance."""
    full_s = min(most_s, first_s * 2.0 ** min(tries - 1, 30))
    return round(full_s / 2 + random.uniform(0, full_s / 2), 3)
