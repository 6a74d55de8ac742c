"""Serves the files of `site/` to a browser, with an API behind them that says what a test wants."""

from __future__ import annotations

import json
import mimetypes
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any

from app.site.serving import CONTENT_POLICY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SITE = Path(__file__).resolve().parents[2] / "site"


@dataclass(frozen=True)
class Answer:
    """What the API says: JSON, or nothing."""

    body: Any = None
    status: int = 200
    timing: str = "app;desc=web-1;dur=1.0"


@contextmanager
def served(api: Callable[[str, str], Answer]) -> Iterator[str]:
    """The address of the site for the block.

    `api(method, path)` answers what begins with /api/, and says of files only how they were made.
    """

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            path = self.path.partition("?")[0]
            self.rfile.read(int(self.headers.get("content-length") or 0))
            told = api(self.command, path)
            if path.startswith("/api/"):
                body = b"" if told.body is None else json.dumps(told.body).encode()
                self.send(told, body, "application/json")
            else:
                file = SITE / ("index.html" if path == "/" else path.removeprefix("/static/"))
                found = file.is_file()
                body = file.read_bytes() if found else b""
                kind = mimetypes.guess_type(file.name)[0] or ""
                self.send(Answer(status=200 if found else 404, timing=told.timing), body, kind)

        do_GET = do_POST = do_PUT = do_DELETE = answer  # noqa: N815 - what http.server calls

        def send(self, told: Answer, body: bytes, kind: str) -> None:
            self.send_response(told.status)
            self.send_header("content-type", kind)
            if told.status != 204:
                self.send_header("content-length", str(len(body)))
            self.send_header("content-security-policy", CONTENT_POLICY)
            self.send_header("server-timing", told.timing)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/"
        finally:
            server.shutdown()
            thread.join()
