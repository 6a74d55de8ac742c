"""When things happen: more in the evening than at night, more on Sundays, more every month."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone

from db.seed.zipf import Dice

# Fixed, not "until today": the same data on every day. Two years, both ends at midnight in Seoul.
SEOUL = timezone(timedelta(hours=9))
BEGIN = datetime(2024, 10, 1, tzinfo=SEOUL)
END = datetime(2026, 10, 1, tzinfo=SEOUL)

HOUR = timedelta(hours=1)
HOURS = (END - BEGIN) // HOUR

# Shares of a day's activity by the hour from midnight: asleep at four, a break at noon, most of it
# at ten in the evening.
# fmt: off
BY_HOUR = (30, 18, 10, 6, 5, 7, 14, 28, 42, 48, 50, 52,
           64, 58, 50, 48, 48, 50, 56, 64, 76, 88, 92, 62)
# fmt: on
# Monday to Sunday.
BY_WEEKDAY = (92, 90, 94, 96, 100, 118, 130)
GROWTH = 3  # the last hour of the two years is this many times as busy as the first


def moments(count: int, random: Dice) -> Iterator[datetime]:
    """Yield `count` moments in UTC, ascending, spread over the two years by the rhythm."""
    hour_begin, weight_before, given = BEGIN, 0.0, 0
    total = sum(map(_weight, range(HOURS)))
    for hour in range(HOURS):
        weight_before += _weight(hour)
        due = count if hour == HOURS - 1 else int(count * weight_before / total)
        for share in sorted(random() for _ in range(due - given)):
            yield (hour_begin + share * HOUR).astimezone(UTC)
        hour_begin, given = hour_begin + HOUR, due


def _weight(hour: int) -> float:
    """Weigh the n-th hour since BEGIN against the others."""
    day = hour // 24
    weekday = (BEGIN.weekday() + day) % 7
    return BY_HOUR[hour % 24] * BY_WEEKDAY[weekday] * (1 + (GROWTH - 1) * hour / HOURS)
