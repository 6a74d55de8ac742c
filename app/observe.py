"""The outermost layer: every answer says how it was made, every request is counted and logged.

One pure ASGI function around the whole app, since each BaseHTTPMiddleware would cost more than a
cached read itself. Adds `Server-Timing` to every answer, errors included, and what else is told of
it where no proxy does: whoever makes the id tells `X-Request-Id`, and who chose this box among
others tells `X-Served-By`. Measures; writes one log line a request; turns what nobody foresaw into
a logged 500.

What was measured is noted at once and counted and logged some milliseconds later, many requests in
a row: that takes a processor half the time of doing it between one request and the next.

Beyond `in_flight_max` requests in hand the next one is turned away with 503 before anything else is
done for it: who cannot be served in time must not make the others late.
"""

import asyncio
import os
import re
import time
from binascii import hexlify
from collections import defaultdict
from collections.abc import Awaitable

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app import errors, logs, metrics, timing
from app.settings import Settings

# What a proxy's id may look like: it goes into headers and log lines as it is.
_SANE = re.compile(rb"[A-Za-z0-9._:-]{8,128}")
_DIGITS_OF_NGINX = 32

_COUNT_AFTER_S = 0.05  # well below the time between two looks at the metrics
_NOTED_MAX = 1000

log = logs.get()


class Observe:
    """Wraps `app`; `name` is this box, as in `X-Served-By` and at the end of `Server-Timing`."""

    def __init__(self, app: ASGIApp, name: str, settings: Settings) -> None:
        self._app = app
        self._name = name.encode("ascii", "replace")
        self._access_log = settings.access_log
        self._is_entry = settings.is_entry
        self._in_flight = 0
        self._in_flight_max = settings.in_flight_max
        self._noted: list[timing.Record] = []
        metrics.http_requests_in_flight.set_function(lambda: self._in_flight)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or hand through what is none (the start and stop of the process)."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            self.count()  # the end of the process
            return
        given_id = None if self._is_entry else _id_of_proxy(scope)
        record = timing.begin(given_id or hexlify(os.urandom(16)))

        def send_with_headers(message: Message) -> Awaitable[None]:
            if message["type"] == "http.response.start":
                record.status = message["status"]
                message["headers"] = [
                    *message["headers"],
                    (b"server-timing", record.header(self._name)),
                    (b"x-content-type-options", b"nosniff"),
                ]
                if given_id is None:  # else the proxies tell it
                    message["headers"] += [
                        (b"x-served-by", self._name),
                        (b"x-request-id", record.id),
                    ]
            return send(message)

        if self._in_flight >= self._in_flight_max:
            metrics.http_shed.inc()
            await errors.answer(errors.Overloaded())(scope, receive, send_with_headers)
            return
        self._in_flight += 1
        try:
            await self._app(scope, receive, send_with_headers)
        except Exception:
            # The edge of the process: the request is lost, the process is not.
            log.exception("request_failed", request_id=record.request_id, path=scope["path"])
            metrics.http_exceptions.labels(_template(scope)).inc()
            if record.status == 0:
                answer = errors.render(500, errors.SluiceError.title)
                await answer(scope, receive, send_with_headers)
        finally:
            self._in_flight -= 1
            self._note(scope, record)

    def _note(self, scope: Scope, record: timing.Record) -> None:
        record.seconds = time.perf_counter() - record.began
        # Not the scope itself: that would keep all that hangs on it.
        record.path, method = scope["path"], scope["method"]
        method = method if method in _METHODS else "OTHER"
        record.kind = (method, _template(scope), record.status, record.cache)
        noted = self._noted
        noted.append(record)
        if len(noted) == 1:
            asyncio.get_running_loop().call_later(_COUNT_AFTER_S, self.count)
        elif len(noted) > _NOTED_MAX:
            self.count()

    def count(self) -> None:
        """Count and log what was noted."""
        noted, self._noted = self._noted, []
        alike: defaultdict[timing.Kind, list[float]] = defaultdict(list)
        for record in noted:
            alike[record.kind].append(record.seconds)
        for (method, route, status, _), seconds in alike.items():
            metrics.http_request_duration.observe_all(seconds, method, route)
            metrics.http_requests.add(len(seconds), method, route, str(status))
        if self._access_log:
            # The clock that tells the time of day, by the one that measured.
            logs.requests_answered(noted, time.time() - time.perf_counter())


def _id_of_proxy(scope: Scope) -> bytes | None:
    """The id that the request has already: one id is in every log on the way."""
    headers: list[tuple[bytes, bytes]] = scope["headers"]
    for name, value in headers:
        # To look for what Nginx makes before all else that is sane costs half as much.
        if name == b"x-request-id" and (
            (len(value) == _DIGITS_OF_NGINX and value.isalnum()) or _SANE.fullmatch(value)
        ):
            return value
    return None


def _template(scope: Scope) -> str:
    """`/api/users/{user_id}`; few values, whatever is asked for."""
    return getattr(scope.get("route"), "path", None) or "(none)"


_METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}
