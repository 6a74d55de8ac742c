"""Counters and histograms for what happens in every request: numbers in a dictionary.

prometheus_client's own take a lock and look at themselves for each event, which is right for
threads, and a noticeable part of a cached read (docs/performance.md). These belong to one thread,
the event loop's, and are told to prometheus_client when it asks for them (its documentation:
"Custom Collectors").
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator, Sequence
from math import inf

from prometheus_client import REGISTRY
from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString


class Tally(Collector):
    """A counter. `name` without the ending `_total`."""

    def __init__(self, name: str, documentation: str, labels: Sequence[str]) -> None:
        self._described = (name, documentation)
        self._labels = labels
        self._counts: defaultdict[tuple[str, ...], int] = defaultdict(int)
        REGISTRY.register(self)

    def count(self, *values: str) -> None:
        """One more, under these values of the labels."""
        self._counts[values] += 1

    def add(self, number: int, *values: str) -> None:
        """So many more."""
        self._counts[values] += number

    def collect(self) -> Iterator[CounterMetricFamily]:
        """What was counted until now."""
        family = CounterMetricFamily(*self._described, labels=self._labels)
        for values, count in self._counts.items():
            family.add_metric(values, count)
        yield family


class _Series:
    """One histogram: how many fell into each bucket, the last of which has no upper bound."""

    __slots__ = ("counts", "total")

    def __init__(self, buckets: int) -> None:
        self.counts = [0] * buckets
        self.total = 0.0


class Durations(Collector):
    """A histogram of seconds; `bounds` grow, and the bucket above the last is added."""

    def __init__(
        self, name: str, documentation: str, labels: Sequence[str], bounds: Sequence[float]
    ) -> None:
        self._described = (name, documentation)
        self._labels = labels
        self._bounds = tuple(bounds)
        self._series: dict[tuple[str, ...], _Series] = {}
        REGISTRY.register(self)

    def observe(self, seconds: float, *values: str) -> None:
        """One that took so long, under these values of the labels."""
        self.observe_all((seconds,), *values)

    def observe_all(self, many: Sequence[float], *values: str) -> None:
        """Some that took so long each."""
        series = self._series.get(values)
        if series is None:
            series = self._series[values] = _Series(len(self._bounds) + 1)
        counts, bounds = series.counts, self._bounds
        for seconds in many:
            counts[bisect_left(bounds, seconds)] += 1
        series.total += sum(many)

    def collect(self) -> Iterator[HistogramMetricFamily]:
        """What was observed until now."""
        family = HistogramMetricFamily(*self._described, labels=self._labels)
        for values, series in self._series.items():
            so_far, buckets = 0, []
            for bound, count in zip((*self._bounds, inf), series.counts, strict=True):
                so_far += count
                buckets.append((floatToGoString(bound), so_far))
            family.add_metric(values, buckets, series.total)
        yield family
