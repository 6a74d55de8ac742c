"""The second port: `/healthz` (I live), `/readyz` (I can serve), `/metrics`.

For the balancer, Compose and Prometheus. It is a listener of its own, so there is no path on the
public port that could lead here. It answers from the same event loop as everything else: a loop
that hangs does not answer, and one whose work stands still is told by its pulse.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.types import Receive, Scope, Send

from app import logs
from app.errors import SluiceError

_CHECK_S = 1.5  # a readiness check's patience; below the checker's own
_KEPT_S = 1.0  # how long a finding stands, so that many checkers cost the database one statement

log = logs.get()


class Pulse:
    """Beaten by a loop each time it comes round."""

    def __init__(self, name: str, *, stale_after_s: float) -> None:
        self.name = name
        self._stale_after_s = stale_after_s
        self._last = time.monotonic()

    def beat(self) -> None:
        """The loop came round."""
        self._last = time.monotonic()

    def trouble(self) -> str | None:
        """What is wrong, or None."""
        age_s = time.monotonic() - self._last
        if age_s <= self._stale_after_s:
            return None
        return f"{self.name} stands still for {age_s:.0f} s"


type Check = Callable[[], Awaitable[None]]


def once(check: Check) -> Check:
    """The check, until it has succeeded: who has joined is not taken out by what all share.

    A database that is away is away for every replica. If that made them unready, a balancer would
    take out all of them together, and with them what they can still do: answer from the cache,
    serve the site, say 503 with `Retry-After`. A replica that never reached it has no such merit.
    ("Implementing health checks", Amazon Builders' Library, on dependencies and failing open.)
    """
    joined = False

    async def check_until_joined() -> None:
        nonlocal joined
        if not joined:
            await check()
            joined = True

    return check_until_joined


class Health:
    """The ASGI app of the second port."""

    def __init__(
        self,
        check: Check,
        measure: Callable[[], None] = lambda: None,
        pulses: Sequence[Pulse] = (),
    ) -> None:
        self.draining = False
        self._check = check
        self._measure = measure
        self._pulses = pulses
        self._found: tuple[float, str | None] = (float("-inf"), None)
        self._looking = asyncio.Lock()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        del receive
        match scope["path"]:
            case "/healthz":
                await self._tell(send, self._alive())
            case "/readyz":
                await self._tell(send, self._alive() or await self._ready())
            case "/metrics":
                self._measure()
                await _answer(send, 200, CONTENT_TYPE_LATEST, generate_latest())
            case _:
                await _answer(send, 404, "text/plain", b"/healthz /readyz /metrics\n")

    def _alive(self) -> str | None:
        return next((trouble for pulse in self._pulses if (trouble := pulse.trouble())), None)

    async def _ready(self) -> str | None:
        if self.draining:
            return "shutting down"
        async with self._looking:
            at, trouble = self._found
            if time.monotonic() - at > _KEPT_S:
                trouble = await self._look()
                self._found = (time.monotonic(), trouble)
        return trouble

    async def _look(self) -> str | None:
        try:
            async with asyncio.timeout(_CHECK_S):
                await self._check()
        except (SluiceError, TimeoutError) as error:
            return f"not ready: {type(error).__name__}"
        return None

    async def _tell(self, send: Send, trouble: str | None) -> None:
        if trouble:
            log.warning("unhealthy", trouble=trouble)
        body = (trouble or "ok").encode("utf-8") + b"\n"
        await _answer(send, 503 if trouble else 200, "text/plain", body)


async def _answer(send: Send, status: int, media_type: str, body: bytes) -> None:
    headers = [
        (b"content-type", media_type.encode("ascii")),
        (b"content-length", str(len(body)).encode("ascii")),
        (b"cache-control", b"no-store"),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
