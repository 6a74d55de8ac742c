"""Are the answers the same at every stage? Asked before the crowd comes, on data just put back.

A stage that answers faster and wrong has bought nothing. What may differ is left out by name, and
nothing else is.
"""

from __future__ import annotations

import hashlib
import http.client
import json
import re
from collections import defaultdict
from collections.abc import Mapping
from random import Random
from typing import Any, Self

from loadtest.bench.commands import Stop

# Views are counted in batches from stage 4 on, and to ask is to count; an id is never the same.
MOVES = {"views", "request_id"}
PAGES = 5
MEMBERS_ASKED, POSTS_ASKED, AUTHORS_ASKED = 16, 16, 8
ASSETS_ASKED = 8
TIMES = 3  # each static file: the first one fills whatever keeps it
TIMEOUT_S = 20
FROM_EDGE = ("HIT", "STALE", "REVALIDATED", "UPDATING")

Answer = tuple[int, dict[str, str], bytes]


class Visitor:
    """One visitor on one connection."""

    def __init__(self, port: int) -> None:
        self._line = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT_S)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._line.close()

    def get(self, path: str) -> Answer:
        """Status, headers in lower case, body."""
        try:
            self._line.request("GET", path)
            answer = self._line.getresponse()
            body = answer.read()
        except (OSError, http.client.HTTPException) as trouble:
            raise Stop(f"{path} was not answered: {trouble!r}") from trouble
        return answer.status, {k.lower(): v for k, v in answer.getheaders()}, body


def answers(port: int, members: int, posts: int, seed: int) -> dict[str, str]:
    """A digest of each answer, by path: the same paths for the same seed."""
    dice = Random(seed)
    paths = [
        *(f"/api/users/{1 + dice.randrange(members)}" for _ in range(MEMBERS_ASKED)),
        *(f"/api/users/{1 + dice.randrange(members)}/posts" for _ in range(AUTHORS_ASKED)),
        *(f"/api/posts/{1 + dice.randrange(posts)}" for _ in range(POSTS_ASKED)),
        f"/api/users/{members + 10**9}",
    ]
    with Visitor(port) as visitor:
        # The lists first: to ask for a post is to count a view.
        told = {"/api/posts/popular": digest(visitor.get("/api/posts/popular"))}
        told |= _pages(visitor)
        return told | {path: digest(visitor.get(path)) for path in paths}


def _pages(visitor: Visitor) -> dict[str, str]:
    """The newest posts, page by page."""
    told: dict[str, str] = {}
    path = "/api/posts"
    for _ in range(PAGES):
        answer = visitor.get(path)
        told[path] = digest(answer)
        cursor = json.loads(answer[2]).get("next_cursor") if answer[0] == http.client.OK else None
        if not cursor:
            break
        path = f"/api/posts?cursor={cursor}"
    return told


def static(port: int) -> dict[str, int]:
    """How many static files of the first page came from the origin, after it was asked once."""
    with Visitor(port) as visitor:
        page = visitor.get("/")[2].decode()
        files = list(dict.fromkeys(re.findall(r'(?:src|href)="(/static/[^"]+)"', page)))
        told = [visitor.get(file) for file in files[:ASSETS_ASKED] for _ in range(TIMES)]
    again = [answer for number, answer in enumerate(told) if number % TIMES]
    from_edge = sum(headers.get("x-cache") in FROM_EDGE for _, headers, _ in again)
    wrong = sum(status != http.client.OK for status, _, _ in told)
    return {"asked": len(again), "from_origin": len(again) - from_edge, "wrong": wrong}


def compare(told: Mapping[str, Mapping[str, str]]) -> dict[str, Any]:
    """Set the answers of all runs side by side; `told` by the name of a run, then by path."""
    seen: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for run, digests in told.items():
        for path, digest in digests.items():
            seen[path][digest].append(run)
    different = {
        path: dict(by_digest)
        for path, by_digest in seen.items()
        if len(by_digest) > 1 or sum(map(len, by_digest.values())) < len(told)
    }
    return {"asked": len(seen), "runs": len(told), "different": different}


def digest(answer: Answer) -> str:
    """What an answer says, short; without what may move."""
    status, _, body = answer
    try:
        value = _still(json.loads(body))
    except ValueError:
        return f"{status} {hashlib.sha256(body).hexdigest()[:16]}"
    told = json.dumps(value, sort_keys=True, ensure_ascii=False).encode()
    return f"{status} {hashlib.sha256(told).hexdigest()[:16]}"


def _still(value: Any) -> Any:
    """A decoded body without what may move."""
    if isinstance(value, dict):
        return {name: _still(each) for name, each in value.items() if name not in MOVES}
    if isinstance(value, list):
        return [_still(each) for each in value]
    return value
