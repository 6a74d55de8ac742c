"""Promises of `app/__main__.py`: a process that ends cuts nobody off. Real sockets, one loop."""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from contextlib import closing

import pytest
import uvicorn
import uvloop
from starlette.responses import PlainTextResponse

from app.__main__ import Server, ending_connections, listen
from app.health import Health
from app.settings import Settings

REQUEST = b"POST / HTTP/1.1\r\nhost: web\r\ncontent-length: 0\r\n\r\n"


async def fine() -> None:
    """All is there."""


def connect(port: int) -> socket.socket:
    """A connection whose other end the kernel has taken, though the process has not accepted it."""
    return socket.create_connection(("127.0.0.1", port), timeout=10)


async def ask(connection: socket.socket) -> str:
    """Send a request; the answer's head and body, or nothing at the end of the connection."""
    connection.sendall(REQUEST)
    return await answer(connection)


async def answer(connection: socket.socket) -> str:
    """What comes in, read beside the loop that answers."""

    def read() -> str:
        told = b""
        while not told.endswith(b"served") and (more := connection.recv(4096)):
            told += more
        return told.decode()

    return await asyncio.to_thread(read)


def serving(
    settings: Settings, scene: Callable[[Server, Health, socket.socket], Awaitable[None]]
) -> None:
    """Play the scene with a server that has started."""
    health = Health(fine)
    app = ending_connections(PlainTextResponse("served"), health)

    async def play() -> None:
        how = {"loop": "none", "http": "httptools", "lifespan": "off", "interface": "asgi3"}
        config = uvicorn.Config(app, **how, log_config=None)  # type: ignore[arg-type]
        server, listener = Server(config, health, settings), listen(0)
        config.load()
        server.lifespan = config.lifespan_class(config)
        await server.startup([listener])
        await scene(server, health, listener)

    asyncio.run(play(), loop_factory=uvloop.new_event_loop)


def test_who_waits_to_be_accepted_when_the_port_closes_is_served(settings: Settings) -> None:
    """Broken: a busy replica that leaves resets the connections it has not come round to."""

    async def scene(server: Server, _health: Health, listener: socket.socket) -> None:
        with closing(connect(listener.getsockname()[1])) as waiting:
            waiting.sendall(REQUEST)
            leaving = asyncio.create_task(server.shutdown([listener]))
            assert (await answer(waiting)).endswith("served")
        await leaving

    serving(settings, scene)


def test_an_open_connection_is_served_once_more_and_then_ended(settings: Settings) -> None:
    """Broken: a proxy sends a POST down an idle connection just as we close it, and it is lost."""

    async def scene(server: Server, health: Health, listener: socket.socket) -> None:
        with closing(connect(listener.getsockname()[1])) as idle:
            assert "connection: close" not in await ask(idle)
            health.draining = True
            leaving = asyncio.create_task(server.shutdown([listener]))
            await asyncio.sleep(0)  # the port is closed now ...
            await asyncio.sleep(0)
            last = await ask(idle)  # ... the connection is not
            assert last.endswith("served")
            assert "connection: close" in last
            assert await answer(idle) == ""
        await leaving  # no connection is left: it does not wait for longer

    serving(settings.model_copy(update={"linger_s": 600}), scene)


def test_a_port_that_is_closed_refuses(settings: Settings) -> None:
    """Broken: connections pile up at a process that leaves, and end with it."""

    async def scene(server: Server, _health: Health, listener: socket.socket) -> None:
        port = listener.getsockname()[1]
        await server.shutdown([listener])
        with pytest.raises(ConnectionRefusedError):
            connect(port)

    serving(settings, scene)


def test_an_idle_connection_is_not_waited_for_for_ever(settings: Settings) -> None:
    """Broken: one silent client keeps a replica from leaving until it is killed."""

    async def scene(server: Server, _health: Health, listener: socket.socket) -> None:
        with closing(connect(listener.getsockname()[1])) as idle:
            await ask(idle)
            await server.shutdown([listener])
            assert await answer(idle) == ""

    serving(settings.model_copy(update={"linger_s": 0.1}), scene)
