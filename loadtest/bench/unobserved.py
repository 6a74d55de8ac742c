"""The application without everything that observes: what is left is the price of the answer itself.

Same code, same entry, but before it is assembled every metric is replaced by one that counts
nothing, and the layer that makes ids, headers and log lines by nothing at all. The application has
no such switch, and needs none.
"""

from typing import Any, Self

from prometheus_client.metrics import MetricWrapperBase
from starlette.types import ASGIApp

from app import __main__ as entry
from app import logs, main, metrics
from app import settings as environment


class Silent:
    """A metric that forgets."""

    def labels(self, *_labels: str) -> Self:
        """Whichever is asked for: this one."""
        return self

    def ignore(self, *_value: float) -> None:
        """What would be counted, set or observed."""

    inc = dec = set = observe = ignore


def without_layer(app: ASGIApp, *_: Any, **__: Any) -> ASGIApp:
    """What is inside `Observe`."""
    return app


def silence() -> None:
    """Take the observers away."""
    for name, value in vars(metrics).copy().items():
        if isinstance(value, MetricWrapperBase):
            setattr(metrics, name, Silent())
    setattr(main, "Observe", without_layer)  # noqa: B010 - not a name that main offers


if __name__ == "__main__":
    silence()
    found = environment.load()
    logs.start(found.log_level, service="web")
    entry.serve(found)
