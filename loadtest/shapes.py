"""The shapes of a run, as Locust knows them: chosen by SHAPE, or in Locust's own pages.

All of them take users, rate and time from where Locust takes them (command line or page).
"""

from abc import abstractmethod
from collections.abc import Callable
from typing import Any

from locust import LoadTestShape

from loadtest import curves
from loadtest.curves import Asked, Step
from loadtest.settings import SETTINGS

# Open: for the pool to come, and after the last arrival for what is in hand: more than the crowd's
# own patience (20 s). What was not served then is counted as that.
LONGER_S = 35


class _Shape(LoadTestShape):
    """What all of them have."""

    abstract = True
    use_common_options = True

    def asked(self) -> Asked:
        """What was asked for; the page may have changed it since the start."""
        runner: Any = self.runner
        options = runner.environment.parsed_options
        return Asked(
            people=options.num_users or 1,
            rate=options.spawn_rate or 1,
            seconds=options.run_time,
            factor=SETTINGS.factor,
        )

    def at(self) -> float:
        """Seconds since the start."""
        return float(self.get_run_time())  # type: ignore[no-untyped-call]  # Locust has no types for it


class _Curve(_Shape):
    """One of the curves."""

    abstract = True

    @staticmethod
    @abstractmethod
    def curve(at: float, asked: Asked) -> Step | None:
        """As in `curves`."""

    def tick(self) -> Step | None:
        """Locust asks each second."""
        return self.curve(self.at(), self.asked())


class Steady(_Curve):
    """The same number of people from the beginning to the end."""

    curve = staticmethod(curves.steady)


class Ramp(_Curve):
    """Ten steps up, to find the knee."""

    curve = staticmethod(curves.ramp)


class Spike(_Curve):
    """FACTOR times as many within seconds, and back."""

    curve = staticmethod(curves.spike)


class Soak(_Curve):
    """Long."""

    curve = staticmethod(curves.soak)


class Open(_Shape):
    """Arrivals at a rate, whether or not answers come back (see `arrivals`).

    Locust's users are the pool, its spawn rate is the rate of arrivals, and its time is theirs.
    """

    # Set by `run`: whether the last arrival of all processes was served.
    finished: Callable[[], bool] = staticmethod(lambda: False)

    def tick(self) -> Step | None:
        """The whole pool at once; over when the last arrival was served."""
        asked = self.asked()
        longest_s = (asked.seconds or float("inf")) + LONGER_S
        if type(self).finished() or self.at() >= longest_s:
            return None
        return asked.people, asked.people


ALL = {shape.__name__.lower(): shape for shape in (Steady, Ramp, Spike, Soak, Open)}


def chosen(name: str) -> dict[str, type[LoadTestShape]]:
    """The classes that the locustfile shows Locust: one, all of them, or none (Locust's own way).

    Raises:
        ValueError: there is no such shape.
    """
    if name == "":
        return {}
    if name != "all" and name not in ALL:
        raise ValueError(f"SHAPE={name}: {', '.join(ALL)}, or all")
    wanted = ALL if name == "all" else {name: ALL[name]}
    return {shape.__name__: shape for shape in wanted.values()}
