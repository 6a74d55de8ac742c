"""The web process: `python -m app`. One event loop, two ports.

Both listeners belong to one server, and the port that a connection came in by decides which app
answers it. So the second port shares the fate of the first (one loop that hangs is seen), and
nothing that arrives at the public port can reach it.

SIGTERM, and nobody gets an error for it (the arithmetic: docs/deploy.md):
1. For `drain_s` all is served, but `/readyz` says no and every answer ends its connection.
2. The listeners close. Who is refused a connection has sent nothing, so a proxy may ask elsewhere.
3. For `linger_s` connections that are open are still served, so that a proxy ends the idle ones.
4. Requests in hand finish within `shutdown_s`; the process ends with 0.
"""

import asyncio
import contextlib
import gc
import signal
import socket
from collections.abc import Awaitable, Iterator, Sequence

import uvicorn
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from app import logs, main
from app import settings as environment
from app.health import Health
from app.settings import Settings

_BACKLOG = 2048  # connections that wait to be accepted; the kernel's somaxconn bounds it as well
# Longer than a proxy keeps an idle connection (60 s): the proxy closes first, we never close under
# a request that is on its way.
_KEEP_ALIVE_S = 75
# Looking for cycles after so many new objects, not 2,000: most are gone by themselves long before,
# and what is left of 50,000 is a few megabytes at most.
_NEW_OBJECTS = 50_000
_LOOK_S = 0.05  # how often a leaving process looks whether the last connection is closed

log = logs.get()


class Server(uvicorn.Server):
    """uvicorn's server, which drains before it closes."""

    def __init__(self, config: uvicorn.Config, health: Health, settings: Settings) -> None:
        super().__init__(config)
        self._health = health
        self._drain_s = settings.drain_s
        self._linger_s = settings.linger_s

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """The first signal drains, a second one closes at once."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._asked_to_stop)
        yield

    def _asked_to_stop(self) -> None:
        if self._health.draining:
            self._linger_s = 0
            self._close()
            return
        log.info("drain_began", drain_s=self._drain_s)
        self._health.draining = True
        asyncio.get_running_loop().call_later(self._drain_s, self._close)

    def _close(self) -> None:
        self.should_exit = True

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Leave without cutting anybody off."""
        await self._stop_listening(sockets or [])
        loop = asyncio.get_running_loop()
        since = loop.time()
        # Looking again and again, as uvicorn does: its set of connections tells nobody.
        while (  # noqa: ASYNC110
            self.server_state.connections and loop.time() - since < self._linger_s
        ):
            await asyncio.sleep(_LOOK_S)
        await super().shutdown(sockets)

    async def _stop_listening(self, listeners: Sequence[socket.socket]) -> None:
        # Whoever is connected already but not yet accepted may have sent a request: the kernel
        # would answer it with a reset when the listener closes. So take them in, then close.
        waiting = [each for listener in listeners for each in _accept_all(listener)]
        for server in self.servers:
            server.close()
        for connection in waiting:
            await asyncio.get_running_loop().connect_accepted_socket(self._protocol, connection)

    def _protocol(self) -> asyncio.Protocol:
        return HttpToolsProtocol(self.config, self.server_state, self.lifespan.state)


def _accept_all(listener: socket.socket) -> Iterator[socket.socket]:
    listener.settimeout(0)
    with contextlib.suppress(BlockingIOError):
        while True:
            yield listener.accept()[0]


def two_ports(public: ASGIApp, ops: ASGIApp, ops_port: int) -> ASGIApp:
    """The app that sends each request to the app of the port it came in by."""

    def by_port(scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        is_ops = scope["type"] == "http" and scope["server"][1] == ops_port
        return (ops if is_ops else public)(scope, receive, send)

    return by_port


def ending_connections(app: ASGIApp, health: Health) -> ASGIApp:
    """The app, whose answers end their connection while we drain: the proxy opens the next one."""

    def answer(scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        def send_marked(message: Message) -> Awaitable[None]:
            if health.draining and message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], (b"connection", b"close")]
            return send(message)

        return app(scope, receive, send_marked)

    return answer


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
        ending_connections(two_ports(public, health, listeners[1].getsockname()[1]), health),
        interface="asgi3",  # what it cannot see of a function that only hands on
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
    gc.set_threshold(_NEW_OBJECTS)
    log.info("serving_began", public_port=settings.public_port, ops_port=settings.ops_port)
    Server(config, health, settings).run(sockets=listeners)
    log.info("serving_ended")


if __name__ == "__main__":
    found = environment.load()
    logs.start(found.log_level, service="web", stage=found.stage)
    serve(found)
