"""A cached read through the real application, counted: `python -m tests.unit.hot_path`.

In a process of its own, since counting and logging are the process's. The application is the whole
one, with everything that observes; asked in memory, so that the server's own work is left out.
Redis is played by a socket that answers GET with one value and everything else with OK.

Prints as JSON: Python function calls and Redis commands a request, and the headers of the last.
"""

import cProfile
import json
import os
import pstats
import socket
import threading
from typing import Any

import uvloop
from starlette.types import ASGIApp, Message

from app import logs, main
from app.settings import Settings

WARM_UP = 50
COUNTED = 200
BODY = b'{"id":1,"name":"Emma Hughes","created_at":"2024-09-30T15:00:00Z","post_count":82}'
HELLO = b"%2\r\n$6\r\nserver\r\n$5\r\nredis\r\n$5\r\nproto\r\n:3\r\n"
GREETINGS = {b"HELLO", b"CLIENT", b"SELECT", b"AUTH"}
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
    """Listens on a free port. `commands` are the names of what it was asked, greetings left out."""

    def __init__(self) -> None:
        self.commands: list[bytes] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            connection, _ = self._listener.accept()
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        lines = connection.makefile("rb")
        while header := lines.readline():  # *2 $3 GET $6 user:1
            words = []
            for _ in range(int(header[1:])):
                size = int(lines.readline()[1:])
                words.append(lines.read(size + 2)[:-2])
            connection.sendall(self._answer(words[0].upper()))

    def _answer(self, command: bytes) -> bytes:
        if command not in GREETINGS:
            self.commands.append(command)
        if command == b"GET":
            return b"$%d\r\n%b\r\n" % (len(BODY), BODY)
        return HELLO if command == b"HELLO" else b"+OK\r\n"


async def ask(app: ASGIApp) -> Message:
    """One request; the start of its answer."""
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        sent.append(message)

    await app({**SCOPE, "headers": [*SCOPE["headers"]]}, receive, send)
    return sent[0]


async def count(app: ASGIApp, redis: PlayedRedis) -> dict[str, Any]:
    """What one request of many takes, once everything is warm."""
    for _ in range(WARM_UP):
        await ask(app)
    redis.commands.clear()
    profile = cProfile.Profile()
    with profile:
        for _ in range(COUNTED):
            answer = await ask(app)
    headers = {name.decode(): value.decode() for name, value in answer["headers"]}
    return {
        "status": answer["status"],
        "headers": headers,
        "calls": pstats.Stats(profile).total_calls / COUNTED,  # type: ignore[attr-defined]
        "commands": [name.decode() for name in redis.commands],
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
