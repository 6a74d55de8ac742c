"""The application without everything that observes: what is left is the price of the answer itself.

The same code by the same entry. Only that metrics count nothing, and the layer that makes ids,
headers and log lines is left out, before anything is assembled. The application has no switch for
that, and needs none.
"""

from typing import Any

from prometheus_client import Counter, Gauge, Histogram
from starlette.types import ASGIApp

from app import __main__ as entry
from app import logs, main
from app import settings as environment
from app.tallies import Durations, Tally


def ignore(_metric: object, *_values: object) -> None:
    """What would be counted, set or observed."""


def without_layer(app: ASGIApp, *_: Any, **__: Any) -> ASGIApp:
    """What is inside `Observe`."""
    return app


def silence() -> None:
    """Take the observers away."""

    def labels(metric: Any, *_values: str) -> Any:
        return metric

    for kind in (Counter, Gauge, Histogram, Tally, Durations):
        setattr(kind, "labels", labels)
        for name in ("inc", "dec", "set", "observe", "count"):
            if hasattr(kind, name):
                setattr(kind, name, ignore)
    setattr(main, "Observe", without_layer)


if __name__ == "__main__":
    silence()
    found = environment.load()
    logs.start(found.log_level, service="web")
    entry.serve(found)
