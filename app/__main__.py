"""The web process: `python -m app`. One event loop, two ports.

Both listeners belong to one server, and the port that a connection came in by decides which app
answers it. So the second port shares the fate of the first (one loop that hangs is seen), and
nothing that arrives at the public port can reach it.

SIGTERM: `/readyz` says no, for `drain_s` requests are still served (balancers learn it meanwhile),
then the listeners close, requests in hand finish within `shutdown_s`, the process ends with 0.
"""

import asyncio
import contextlib
import gc
import signal
import socket
from collections.abc import Iterator

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

from app import logs, main
from app import settings as environment
from app.health import Health
from app.settings import Settings

_BACKLOG = 2048  # connections that wait to be accepted; the kernel's somaxconn bounds it as well
# Longer than a proxy keeps an idle connection (60 s): the proxy closes first, we never close under
# a request that is on its way.
_KEEP_ALIVE_S = 75

log = logs.get()


class Server(uvicorn.Server):
    """uvicorn's server, which drains before it closes."""

    def __init__(self, config: uvicorn.Config, health: Health, drain_s: float) -> None:
        super().__init__(config)
        self._health = health
        self._drain_s = drain_s

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """The first signal drains, a second one closes at once."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._asked_to_stop)
        yield

    def _asked_to_stop(self) -> None:
        if self._health.draining:
            self._close()
            return
        log.info("drain_began", drain_s=self._drain_s)
        self._health.draining = True
        asyncio.get_running_loop().call_later(self._drain_s, self._close)

    def _close(self) -> None:
        self.should_exit = True


def two_ports(public: ASGIApp, ops: ASGIApp, ops_port: int) -> ASGIApp:
    """The app that sends each request to the app of the port it came in by."""

    async def by_port(scope: Scope, receive: Receive, send: Send) -> None:
        is_ops = scope["type"] == "http" and scope["server"][1] == ops_port
        await (ops if is_ops else public)(scope, receive, send)

    return by_port


def listen(port: int) -> socket.socket:
    """A listening socket on all addresses."""
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("0.0.0.0", port))  # noqa: S104 - a container has no other way in
    return listener


def serve(settings: Settings) -> None:
    """Serve until told to stop."""
    public, health = main.assemble(settings)
    listeners = [listen(settings.public_port), listen(settings.ops_port)]
    config = uvicorn.Config(
        two_ports(public, health, listeners[1].getsockname()[1]),
        loop="uvloop",
        http="httptools",
        ws="none",
        lifespan="on",
        backlog=_BACKLOG,
        timeout_keep_alive=_KEEP_ALIVE_S,
        timeout_graceful_shutdown=settings.shutdown_s,
        # Who asked is the proxy's knowledge; what was asked is in our own log line.
        proxy_headers=False,
        access_log=False,
        server_header=False,
        log_config=None,
    )
    # What the start made lives as long as the process: looking through it for garbage again and
    # again would cost a cached read some per cent.
    gc.collect()
    gc.freeze()
    log.info("serving_began", public_port=settings.public_port, ops_port=settings.ops_port)
    Server(config, health, settings.drain_s).run(sockets=listeners)
    log.info("serving_ended")


if __name__ == "__main__":
    found = environment.load()
    logs.start(found.log_level, service="web")
    serve(found)
