"""The edge: it keeps what may be kept, nothing else, and stands in for an origin that is away."""

from __future__ import annotations

import re
import socket
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import TYPE_CHECKING

import httpx
import pytest

from tests.system.crowd import requests_at
from tests.system.stack import EDGE_2, ENTRY, PORTS, container, must, run, sign_up, wait_healthy
from tests.system.test_6_balancing import now
from tests.system.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.usefixtures("stage_5")


@pytest.fixture(scope="module")
def files(stage_5: None) -> list[str]:
    """Return the addresses of the files that the first page refers to."""
    page = httpx.get(ENTRY, timeout=20).text
    found = re.findall(r'"(/static/[^"]+\.[0-9a-f]{12}\.\w+)"', page)
    assert len(found) >= 2, page
    return found


@pytest.fixture
def second_edge(stage_5: None) -> Iterator[None]:
    """Open a second location that lets one address ask twice a second, and close it again."""
    must("make", "edge-2", CLIENT_RATE="2", CLIENT_BURST="30", CLIENT_EXEMPT="127.0.0.1")
    yield
    must("bin/compose", "rm", "--stop", "--force", "edge-2", "edge-2-exporter")


def test_repeated_files_never_reach_the_origin(files: list[str]) -> None:
    """Broken: less than 99 % of the requests for a page's files are answered by the edge."""
    with httpx.Client(base_url=ENTRY, timeout=20) as visitor:
        for file in files:
            visitor.get(file)
        since = now()
        told = Counter(visitor.get(file).headers["x-cache"] for _ in range(100) for file in files)
    assert told == {"HIT": 100 * len(files)}
    lines = [line for file in files for line in requests_at("lb", file, since=since)]
    # The log is written once a second: what came before belongs to the first visit.
    assert not [line for line in lines if line["time"][:19] > since[:19]]


def test_a_stored_answer_has_the_id_of_who_asked(files: list[str]) -> None:
    """Broken: what is stored tells the id of the request that it was stored for, or two ids."""
    since = now()
    with httpx.Client(base_url=ENTRY, timeout=20) as visitor:
        visitor.get(files[0])
        answers = [visitor.get(files[0]) for _ in range(3)]
    assert {answer.headers["x-cache"] for answer in answers} == {"HIT"}
    told = [answer.headers.get_list("x-request-id") for answer in answers]
    assert {len(ids) for ids in told} == {1}, told

    def all_are_logged() -> None:
        logged = {line["request_id"] for line in requests_at("edge", files[0], since=since)}
        assert len(logged) >= 4
        assert {ids[0] for ids in told} <= logged

    eventually(all_are_logged, within_s=10)
    assert len({ids[0] for ids in told}) == 3


def test_five_hundred_misses_of_one_address_reach_the_origin_once() -> None:
    """Broken: a popular address that is not stored yet falls on the origin with its crowd."""
    cold = f"/api/users/{time.time_ns() % 19_000 + 1}/posts"
    since = now()
    limits = httpx.Limits(max_connections=None)
    with ThreadPoolExecutor(100) as crowd, httpx.Client(timeout=30, limits=limits) as client:
        statuses = Counter(crowd.map(lambda _: client.get(ENTRY + cold).status_code, range(500)))
    assert statuses == {200: 500}

    def all_are_logged() -> Counter[str]:
        lines = requests_at("edge", cold, since=since)
        assert len(lines) == 500
        return Counter(line["cache"] for line in lines)

    told = eventually(all_are_logged, within_s=10)
    assert told["MISS"] == 1, told


def test_an_origin_that_is_away_is_bridged_by_what_is_stored(files: list[str]) -> None:
    """Broken: the balancer stops, and with it pages that the edge could still show."""
    kept = ["/", "/api/posts/popular", "/api/posts"]
    with httpx.Client(base_url=ENTRY, timeout=20) as visitor:
        for path in kept:
            policy = visitor.get(path).raise_for_status().headers["cache-control"]
            assert "stale-if-error=600" in policy
        must("docker", "stop", container("lb"))
        try:

            def stale() -> None:
                answers = [visitor.get(path) for path in kept]
                assert [answer.status_code for answer in answers] == [200] * 3
                assert {answer.headers["x-cache"] for answer in answers} == {"STALE"}
                assert visitor.get(files[0]).headers["x-cache"] == "HIT"

            # Beyond the five seconds in which an old copy is given anyway.
            eventually(stale, within_s=20)
            since = time.monotonic()
            eventually(lambda: past(since + 7), within_s=15)
            stale()
            never_stored = visitor.get("/api/users/1")
            assert never_stored.status_code == 503
            assert never_stored.headers["content-type"] == "application/problem+json"
            assert never_stored.headers["retry-after"] == "1"
        finally:
            must("docker", "start", container("lb"))
        wait_healthy("lb")
        eventually(lambda: ok(visitor.get("/api/users/1")), within_s=30)


def past(moment: float) -> None:
    """Fail until a moment is over."""
    assert time.monotonic() >= moment


def ok(answer: httpx.Response) -> None:
    """Fail when the answer is not 200."""
    assert answer.status_code == 200, answer.text


def test_an_answer_for_a_member_reaches_nobody_else() -> None:
    """Broken: what a member was told is stored, and told to the next visitor."""
    member = sign_up(f"leak-{time.time_ns()}@example.com")
    for path in ("/", "/api/posts", "/api/posts/popular", f"/api/users/{member.id}/posts"):
        for _ in range(2):
            own = member.client.get(path)
            assert own.headers["x-cache"] == "BYPASS", path
            assert path == "/" or "no-store" in own.headers["cache-control"]
        other = httpx.get(ENTRY + path, timeout=20)
        assert "set-cookie" not in other.headers
        assert "private" not in other.headers["cache-control"]


def test_an_address_dressed_as_a_file_is_not_stored() -> None:
    """Broken: cache deception: a private call is stored because its address looks like a file."""
    member = sign_up(f"deceive-{time.time_ns()}@example.com")
    for path in (
        f"/api/users/{member.id}.css",
        f"/api/users/{member.id}/x.css",
        f"/static/..%2fapi/users/{member.id}",
        f"/static/%2e%2e/api/users/{member.id}",
        f"/api/users/{member.id}%2f..%2fposts.css",
        f"/api/users/{member.id};/static/a.css",
    ):
        for client in (member.client, member.client):
            answer = raw(path, client.cookies)
            assert "HIT" not in answer, path
        assert "HIT" not in raw(path), path
        assert member.email not in raw(path), path


def raw(path: str, cookies: httpx.Cookies | None = None) -> str:
    """Ask for an address exactly as it is written; → the whole answer."""
    said = "; ".join(f"{name}={value}" for name, value in (cookies or {}).items())
    with socket.create_connection(("127.0.0.1", int(PORTS["PORT"])), timeout=20) as line:
        line.sendall(
            f"GET {path} HTTP/1.1\r\nHost: localhost\r\nCookie: {said}\r\n"
            "Connection: close\r\n\r\n".encode()
        )
        return b"".join(iter(lambda: line.recv(65536), b"")).decode(errors="replace")


@pytest.mark.parametrize(
    "header", ["X-Forwarded-Host", "X-Original-URL", "X-Rewrite-URL", "Host", "Cookie"]
)
def test_a_header_outside_the_key_changes_nothing_that_is_stored(header: str) -> None:
    """Broken: cache poisoning: the first visitor's header is in everybody's answer."""
    path = f"/api/posts?limit={time.time_ns() % 20 + 1}&by={header}"
    poisoned = httpx.get(ENTRY + path, headers={header: "evil.example"}, timeout=20)
    clean = httpx.get(ENTRY + path, timeout=20)
    assert "evil.example" not in clean.text
    assert not [v for k, v in clean.headers.items() if "evil.example" in v]
    assert (poisoned.status_code, clean.status_code) in {(200, 200), (422, 422)}


def test_a_purge_reaches_every_edge_and_the_next_visitor_gets_the_new(
    second_edge: None, files: list[str]
) -> None:
    """Broken: one location goes on with the old copy, or a purge removes something else."""
    for edge in (ENTRY, EDGE_2):
        for file in files[:2]:
            httpx.get(edge + file, timeout=20)
            assert httpx.get(edge + file, timeout=20).headers["x-cache"] == "HIT"
    printed = must("make", "purge", f"URL={files[0]}")
    assert "edge: removed" in printed
    assert "edge-2: removed" in printed
    for edge in (ENTRY, EDGE_2):
        assert httpx.get(edge + files[0], timeout=20).headers["x-cache"] == "MISS"
        assert httpx.get(edge + files[1], timeout=20).headers["x-cache"] == "HIT"
    assert "was not stored" in must("make", "purge", "URL=/static/never-there.css")
    assert run("make", "purge", "URL=").returncode != 0


@pytest.mark.parametrize("key", [None, "Bearer guessed", "Basic a-purge-key"])
@pytest.mark.parametrize("method", ["GET", "DELETE", "PUT"])
def test_nobody_purges_or_reads_the_cache_without_the_key(
    files: list[str], key: str | None, method: str
) -> None:
    """Broken: a visitor empties the cache, or reads what lies in it."""
    httpx.get(ENTRY + files[0], timeout=20)
    name = "0/00/" + "0" * 32
    headers = {"Authorization": key} if key else {}
    answer = httpx.request(method, f"{ENTRY}/purge/{name}", headers=headers, timeout=20)
    assert answer.status_code == 403
    assert httpx.get(ENTRY + files[0], timeout=20).headers["x-cache"] == "HIT"


def test_who_asks_too_often_is_told_when_to_come_back(second_edge: None) -> None:
    """Broken: one client takes everything, or is told nothing; or the lab's crowd is limited."""
    with httpx.Client(timeout=20) as client:
        answers = [client.get(f"{EDGE_2}/static/none") for _ in range(60)]
        refused = [answer for answer in answers if answer.status_code == 429]
        assert len(refused) >= 10
        assert refused[0].headers["retry-after"] == "1"
        assert refused[0].headers["content-type"] == "application/problem+json"
        assert {client.get(f"{ENTRY}/static/none").status_code for _ in range(60)} == {404}


def test_a_hundred_slow_clients_stop_nobody_and_are_sent_away(visitor: httpx.Client) -> None:
    """Broken: connections that never finish their header use up the edge."""
    with ExitStack() as lines:
        slow = [
            lines.enter_context(socket.create_connection(("127.0.0.1", int(PORTS["PORT"]))))
            for _ in range(100)
        ]
        for line in slow:
            line.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: ")
        assert {visitor.get("/api/posts/popular").status_code for _ in range(30)} == {200}

        def sent_away() -> None:
            for line in slow:
                line.settimeout(0.05)
                try:
                    line.recv(1024)  # an end, or the 408 before it
                except TimeoutError:
                    raise AssertionError("still open") from None
                except OSError:
                    continue  # closed with a reset

        eventually(sent_away, within_s=40, every_s=1)


def test_http_is_as_the_standard_has_it(files: list[str], visitor: httpx.Client) -> None:
    """Broken: ETag, 304, ranges, Vary, compression or the limit of a body are not kept."""
    style = next(file for file in files if file.endswith(".css"))
    plain = visitor.get(style, headers={"Accept-Encoding": "identity"})
    assert "accept-encoding" in plain.headers["vary"].lower()
    assert "content-encoding" not in plain.headers
    packed = visitor.get(style, headers={"Accept-Encoding": "gzip"})
    assert packed.headers["content-encoding"] == "gzip"
    assert packed.content == plain.content
    same = visitor.get(style, headers={"If-None-Match": plain.headers["etag"]})
    assert (same.status_code, same.content) == (304, b"")
    part = visitor.get(style, headers={"Range": "bytes=0-9", "Accept-Encoding": "identity"})
    assert (part.status_code, part.content) == (206, plain.content[:10])
    assert part.headers["content-range"] == f"bytes 0-9/{len(plain.content)}"
    large = visitor.post("/api/posts", content=b"x" * 300_000)
    assert large.status_code == 413
    assert large.json()["type"] == "/problems/too-large"
    for name in ("x-frame-options", "x-content-type-options", "permissions-policy"):
        assert name in plain.headers


def test_tls_speaks_http_2() -> None:
    """Broken: browsers on https fall back to one request at a time, or get no answer."""
    words = ["curl", "-sk", "-o", "/dev/null", "-w", "%{http_version} %{http_code}"]
    address = f"https://127.0.0.1:{PORTS['EDGE_TLS_PORT']}/api/posts/popular"
    assert must(*words, address).split() == ["2", "200"]
