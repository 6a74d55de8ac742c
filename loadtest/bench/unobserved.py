"""The application without everything that observes: what is left is the price of the answer itself.

The same code by the same entry. Only that metrics count nothing, and of the layer that makes ids,
headers and log lines that part alone is left which has nothing to do with them, before anything is
assembled. With the word `metrics` they alone are gone. The application has no switch for that, and
needs none.
"""

import sys
from collections.abc import Awaitable
from typing import Any

from prometheus_client import Counter, Gauge, Histogram
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app import __main__ as entry
from app import errors, logs, main
from app import settings as environment
from app.tallies import Durations, Tally


def ignore(_metric: object, *_values: object) -> None:
    """What would be counted, set or observed."""


class Bound:
    """What `Observe` does besides observing: it turns away who is too many, adds a header that has
    to do with safety, and answers what nobody foresaw.
    """

    def __init__(self, app: ASGIApp, _name: str, settings: environment.Settings) -> None:
        self._app = app
        self._in_flight = 0
        self._in_flight_max = settings.in_flight_max

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""

        def send_safely(message: Message) -> Awaitable[None]:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], (b"x-content-type-options", b"nosniff")]
            return send(message)

        if self._in_flight >= self._in_flight_max:
            await errors.answer(errors.Overloaded())(scope, receive, send_safely)
            return
        self._in_flight += 1
        try:
            await self._app(scope, receive, send_safely)
        except Exception:
            await errors.render(500, errors.SluiceError.title)(scope, receive, send_safely)
            raise
        finally:
            self._in_flight -= 1

    def count(self) -> None:
        """Nothing was noted."""


def count_nothing() -> None:
    """Take the metrics away."""

    def labels(metric: Any, *_values: str) -> Any:
        return metric

    for kind in (Counter, Gauge, Histogram, Tally, Durations):
        setattr(kind, "labels", labels)
        for name in ("inc", "dec", "set", "observe", "observe_all", "count", "add"):
            if hasattr(kind, name):
                setattr(kind, name, ignore)


if __name__ == "__main__":
    count_nothing()
    if sys.argv[1:] != ["metrics"]:
        setattr(main, "Observe", Bound)
    found = environment.load()
    logs.start(found.log_level, service="web")
    entry.serve(found)
