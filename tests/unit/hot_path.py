"""A cached read through the real application, counted: `python -m tests.unit.hot_path`.

In a process of its own, since counting and logging are the process's. The application is the whole
one, with everything that observes; asked in memory, so that the server's own work is left out.
Redis is played by a socket that answers GET with one value and everything else with OK.

Prints as JSON: Python function calls and Redis commands a request, and the headers of the last.
"""

import cProfile
import json
import multiprocessing
import os
import pstats
import socket
from typing import Any

import uvloop
from starlette.types import ASGIApp, Message

from app import entries, logs, main
from app.observe import Observe
from app.settings import Settings

WARM_UP = 50
COUNTED = 100
BODY = b'{"id":1,"name":"Emma Hughes","created_at":"2024-09-30T15:00:00Z","post_count":82}'
ENTRY = entries.pack(BODY, 0, ttl_s=3600, absent_ttl_s=10, jitter=0.1)[0]
GREETINGS = {b"SELECT", b"AUTH"}
SCOPE: dict[str, Any] = {
    "type": "http",
    "http_version": "1.1",
    "method": "GET",
    "path": "/api/users/1",
    "raw_path": b"/api/users/1",
    "query_string": b"",
    "root_path": "",
    "scheme": "http",
    "server": ("127.0.0.1", 8000),
    "headers": [(b"host", b"localhost")],
}


class PlayedRedis:
    """Listens on a free port, in a process of its own, since calls are counted in all threads."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._asked, self._told = os.pipe()
        multiprocessing.get_context("fork").Process(target=self._serve, daemon=True).start()

    def commands(self) -> list[str]:
        """The names of what it was asked since the last look, greetings left out."""
        return os.read(self._asked, 1 << 16).decode().split()

    def _serve(self) -> None:
        connection, _ = self._listener.accept()
        lines = connection.makefile("rb")
        while header := lines.readline():  # *2 $3 GET $6 user:1
            words = []
            for _ in range(int(header[1:])):
                size = int(lines.readline()[1:])
                words.append(lines.read(size + 2)[:-2])
            connection.sendall(self._answer(words[0].upper()))

    def _answer(self, command: bytes) -> bytes:
        if command not in GREETINGS:
            os.write(self._told, command + b"\n")  # before the answer: who has that can look
        if command == b"GET":
            return b"$%d\r\n%b\r\n" % (len(ENTRY), ENTRY)
        return b"+OK\r\n"


async def ask(app: ASGIApp) -> Message:
    """One request; the start of its answer."""
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        sent.append(message)

    await app({**SCOPE, "headers": [*SCOPE["headers"]]}, receive, send)
    return sent[0]


async def count(app: Observe, redis: PlayedRedis) -> dict[str, Any]:
    """What one request of many takes, once everything is warm."""
    for _ in range(WARM_UP):
        await ask(app)
    redis.commands()
    profile = cProfile.Profile()
    with profile:
        for _ in range(COUNTED):
            answer = await ask(app)
        app.count()
    headers = {name.decode(): value.decode() for name, value in answer["headers"]}
    return {
        "status": answer["status"],
        "headers": headers,
        "calls": pstats.Stats(profile).total_calls / COUNTED,  # type: ignore[attr-defined]
        "commands": redis.commands(),
    }


if __name__ == "__main__":
    played = PlayedRedis()
    report = os.dup(1)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # the access log's place
    logs.start("info", service="web")
    settings = Settings(
        primary_dsn="postgresql+psycopg://nobody@127.0.0.1:1/nothing",
        cache_url=f"redis://127.0.0.1:{played.port}/0",
        session_keys="a-key-of-a-test",
        cache_timeout_s=30,
    )
    whole, _ = main.assemble(settings)
    os.write(report, json.dumps(uvloop.run(count(whole, played))).encode())
