"""An ordinary minute of the site, again and again: for tests that look at what is measured of it.

Reads of all kinds, sign-ups, posts, avatars and followers, so that every part has something to do.
"""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from threading import Event
from typing import TYPE_CHECKING, Self

import httpx

from tests.drawn import drawn
from tests.system.stack import ENTRY

if TYPE_CHECKING:
    from types import TracebackType

PASSWORD = "a-long-password-of-a-test"
READERS = 4
PAUSE_S = 0.05  # of a reader: what is tested is not how much the stack bears


@dataclass
class Everyday:
    """Visitors and members, until the block ends. `failures`: what did not go as it should."""

    failures: list[str] = field(default_factory=list)

    def __enter__(self) -> Self:
        """Begin."""
        self._over = Event()
        self._pool = ThreadPoolExecutor(READERS + 1)
        self._work = [self._pool.submit(self._read, n) for n in range(READERS)]
        self._work.append(self._pool.submit(self._take_part))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End, after what is in hand."""
        self._over.set()
        self._pool.shutdown()
        for done in self._work:
            done.result()

    def _read(self, number: int) -> None:
        with httpx.Client(base_url=ENTRY, timeout=20) as client:
            page = client.get("/").text
            files = [part.split('"')[0] for part in page.split('="')[1:] if "/static/" in part[:9]]
            turn = number
            while not self._over.wait(PAUSE_S):
                turn += 7
                one = turn % 200 + 1
                for path in (
                    f"/api/users/{one}",
                    f"/api/posts/{one}",
                    f"/api/users/{one}/posts",
                    "/api/posts",
                    "/api/posts/popular",
                    "/api/users/999999999",
                    *files[turn % len(files) :][:1],
                ):
                    self._ask(client, "GET", path, {200, 404})

    def _take_part(self) -> None:
        while not self._over.wait(PAUSE_S):
            who = {"email": f"everyday-{time.time_ns()}@example.com", "password": PASSWORD}
            with httpx.Client(base_url=ENTRY, timeout=20) as client:
                self._ask(client, "POST", "/api/users", {201}, json={**who, "name": "Ada Tester"})
                self._ask(client, "POST", "/api/sessions", {201}, json=who)
                followed = time.time_ns() % 200 + 1
                self._ask(client, "PUT", f"/api/users/me/following/{followed}", {200, 201, 204})
                post = {"title": "An ordinary day", "body": "Nothing happened."}
                self._ask(client, "POST", "/api/posts", {201}, json=post)
                headers = {"content-type": "image/*"}
                picture = drawn("JPEG", (640, 480))
                self._ask(
                    client,
                    "PUT",
                    "/api/users/me/avatar",
                    {200, 202},
                    content=picture,
                    headers=headers,
                )

    def _ask(
        self,
        client: httpx.Client,
        method: str,
        path: str,
        right: set[int],
        *,
        json: dict[str, str] | None = None,
        content: bytes | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        try:
            answer = client.request(method, path, json=json, content=content, headers=headers)
        except httpx.HTTPError as error:
            self.failures.append(f"{method} {path}: {type(error).__name__}")
            return
        if answer.status_code not in right:
            self.failures.append(f"{method} {path}: {answer.status_code} {answer.text[:200]}")
