"""The calls of the API at stage 5, good and bad input, through the edge."""

from __future__ import annotations

import itertools
import time

import httpx
import pytest

from tests.system.stack import ENTRY, Member, mails_to, must, server_timing, sign_up, sql
from tests.system.waiting import eventually

numbers = itertools.count(time.time_ns())


def new_email() -> str:
    """Return an address that nobody has."""
    return f"api-{next(numbers)}@example.com"


@pytest.fixture
def member(stage_5: None) -> Member:
    """Sign up and log in."""
    return sign_up(new_email())


def problem(answer: httpx.Response, status: int) -> str:
    """Check that an answer is a problem document (RFC 9457) and return its text."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"].startswith("application/problem+json")
    body = answer.json()
    assert body["status"] == status
    assert body["title"]
    return answer.text


def test_an_email_is_taken_once(visitor: httpx.Client, member: Member) -> None:
    """Broken: two members share an address, or the clash is an error 500."""
    body = {"email": member.email.upper(), "name": "Twin", "password": "another-long-password"}
    problem(visitor.post("/api/users", json=body), 409)
    assert sql(f"select count(*) from users where email = '{member.email}'") == "1"


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"email": "no-at-sign", "name": "A", "password": "long-enough-password"},
        {"email": "a@example.com", "name": "", "password": "long-enough-password"},
        {"email": "a@example.com", "name": "x" * 81, "password": "long-enough-password"},
        {"email": "a@example.com", "name": "nul\u0000byte", "password": "long-enough-password"},
        {"email": "a@example.com", "name": "A", "password": "short"},
        {"email": "a@example.com", "name": "A", "password": "x" * 5000},
        {
            "email": "a@example.com\r\nBcc: b@example.com",
            "name": "A",
            "password": "long-enough-password",
        },
        {"email": ["a@example.com"], "name": "A", "password": "long-enough-password"},
    ],
)
def test_a_bad_sign_up_is_refused(visitor: httpx.Client, body: dict[str, object]) -> None:
    """Broken: it is stored, or answered with an error 500."""
    problem(visitor.post("/api/users", json=body), 422)


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"\xff\xfe", b'{"email": "\\ud800@example.com"}']
)
def test_a_body_that_is_no_json_object_is_refused(visitor: httpx.Client, body: bytes) -> None:
    """Broken: an error 500."""
    problem(
        visitor.post("/api/users", content=body, headers={"content-type": "application/json"}), 422
    )


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/api/users/0", 422),
        ("/api/users/99999999", 404),
        ("/api/users/9223372036854775808", 422),
        ("/api/users/-1", 422),
        ("/api/users/abc", 422),
        ("/api/posts/99999999", 404),
        ("/api/posts/1e3", 422),
        ("/api/posts?cursor=nonsense", 400),
        ("/api/posts?limit=0", 422),
        ("/api/posts?limit=100000", 422),
        ("/api/nothing", 404),
        ("/nothing", 404),
    ],
)
def test_what_is_not_there_is_a_problem_document(
    visitor: httpx.Client, path: str, status: int
) -> None:
    """Broken: an error 500, or a page of HTML for a client that expects JSON."""
    problem(visitor.get(path), status)


def test_the_wrong_method_is_405(visitor: httpx.Client) -> None:
    """Broken: an error without the list of what is allowed."""
    answer = visitor.delete("/api/posts/1")
    problem(answer, 405)
    assert "GET" in answer.headers["allow"]


def test_a_huge_body_is_refused_at_the_front(visitor: httpx.Client) -> None:
    """Broken: two MiB of text reach a replica."""
    answer = visitor.post("/api/posts", json={"title": "t", "body": "x" * 2_000_000})
    assert answer.status_code == 413
    assert "x-served-by" not in answer.headers


def test_writing_needs_a_session(visitor: httpx.Client, member: Member) -> None:
    """Broken: anybody may write, or one member in another's name."""
    problem(visitor.post("/api/posts", json={"title": "t", "body": "b"}), 401)
    problem(visitor.patch(f"/api/users/{member.id}", json={"name": "Eve"}), 401)
    problem(member.client.patch("/api/users/1", json={"name": "Eve"}), 403)


def test_a_forged_session_is_no_session(visitor: httpx.Client, member: Member) -> None:
    """Broken: the cookie is believed without its signature."""
    cookie = member.client.cookies["session"]
    forged = ("A" if cookie[0] != "A" else "B") + cookie[1:]
    for value in (forged, "nonsense", "", cookie[:-1]):
        answer = visitor.post(
            "/api/posts", json={"title": "t", "body": "b"}, headers={"cookie": f"session={value}"}
        )
        problem(answer, 401)


def test_a_wrong_password_says_no_more_than_that(visitor: httpx.Client, member: Member) -> None:
    """Broken: the answer tells whether the address has an account."""
    known = visitor.post(
        "/api/sessions", json={"email": member.email, "password": "not-the-password"}
    )
    unknown = visitor.post(
        "/api/sessions", json={"email": new_email(), "password": "not-the-password"}
    )
    problem(known, 401)
    assert known.json()["title"] == unknown.json()["title"]
    assert known.json().get("detail") == unknown.json().get("detail")


def test_logging_out_ends_the_session(member: Member) -> None:
    """Broken: the cookie stays."""
    assert member.client.delete("/api/sessions").status_code == 204
    problem(member.client.post("/api/posts", json={"title": "t", "body": "b"}), 401)


def test_the_session_cookie_is_out_of_reach_of_scripts(
    visitor: httpx.Client, member: Member
) -> None:
    """Broken: a script, or another site's form, can use the session."""
    body = {"email": member.email, "password": member.password}
    cookie = visitor.post("/api/sessions", json=body).headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=lax" in cookie


def test_the_next_read_after_a_write_sees_it(visitor: httpx.Client, member: Member) -> None:
    """Broken: a cached or replicated older value is served after the write was acknowledged."""
    address = f"/api/users/{member.id}"
    for n in range(30):
        visitor.get(address)  # fills the cache
        assert member.client.patch(address, json={"name": f"Name {n}"}).status_code == 200
        assert member.client.get(address).json()["name"] == f"Name {n}"
        assert visitor.get(address).json()["name"] == f"Name {n}"


def test_pages_of_posts_are_whole_and_in_order(visitor: httpx.Client) -> None:
    """Broken: a page repeats or leaves out a post."""
    seen: list[int] = []
    cursor = None
    for _ in range(5):
        params = {"limit": "20"} | ({"cursor": cursor} if cursor else {})
        page = visitor.get("/api/posts", params=params).raise_for_status().json()
        assert len(page["items"]) == 20
        seen += [post["id"] for post in page["items"]]
        assert all(post["author"]["name"] for post in page["items"])
        cursor = page["next_cursor"]
    assert seen == sorted(set(seen), reverse=True)
    newest = sql("select id from posts order by id desc limit 100").split()
    assert len(set(map(int, newest)) & set(seen)) >= 90  # other tests may write meanwhile


def test_popular_is_the_ten_most_viewed(visitor: httpx.Client) -> None:
    """Broken: another order, or another number."""
    items = visitor.get("/api/posts/popular").raise_for_status().json()["items"]
    assert len(items) == 10
    views = [post["views"] for post in items]
    assert views == sorted(views, reverse=True)


def test_every_view_is_counted(visitor: httpx.Client, member: Member) -> None:
    """Broken: views gathered in Redis are lost or counted twice on the way to the database."""
    post = member.client.post("/api/posts", json={"title": "Counted", "body": "b"}).json()["id"]
    for _ in range(40):
        visitor.get(f"/api/posts/{post}").raise_for_status()

    def counted() -> None:
        assert sql(f"select views from posts where id = {post}") == "40"

    eventually(counted, within_s=60)


def test_a_profile_never_tells_the_email(visitor: httpx.Client, member: Member) -> None:
    """Broken: addresses can be collected."""
    assert member.email not in visitor.get(f"/api/users/{member.id}").text


def test_every_answer_says_how_it_was_made(visitor: httpx.Client) -> None:
    """Broken: a slow page cannot be traced to the part that made it slow."""
    answer = visitor.get("/api/users/77")
    assert answer.headers["x-served-by"].startswith("web-")
    assert len(answer.headers["x-request-id"]) == 32
    assert answer.headers["x-cache"] == "MISS" or answer.headers["x-cache"] in {"BYPASS", "HIT"}
    assert "cache" in server_timing(answer)


def test_the_request_id_is_the_same_in_the_logs_of_every_hop(visitor: httpx.Client) -> None:
    """Broken: one request cannot be followed through the stack."""
    number = visitor.get("/api/users/78", headers={"x-request-id": "f" * 32}).headers[
        "x-request-id"
    ]
    assert number != "f" * 32  # the first proxy makes it: nobody outside chooses it

    def in_all() -> None:
        for service in ("edge", "lb", "web"):
            assert number in must("bin/compose", "logs", "--tail", "300", service), service

    eventually(in_all, within_s=10)


def test_a_page_that_did_not_change_is_304(visitor: httpx.Client) -> None:
    """Broken: a browser loads again what it has."""
    first = visitor.get("/api/users/79")
    again = visitor.get("/api/users/79", headers={"if-none-match": first.headers["etag"]})
    assert again.status_code == 304
    assert again.content == b""


def test_the_documentation_works_offline(visitor: httpx.Client) -> None:
    """Broken: /docs loads its parts from a host on the internet."""
    page = visitor.get("/docs")
    assert page.status_code == 200
    assert "https://" not in page.text
    assert visitor.get("/docs/openapi.json").json()["info"]["title"]


def test_many_sign_ups_at_once_make_one_mail_each(stage_5: None) -> None:
    """Broken: jobs get lost or doubled between outbox, relay, queue and worker."""
    emails = [new_email() for _ in range(20)]
    with httpx.Client(base_url=ENTRY, timeout=30) as client:
        for email in emails:
            body = {"email": email, "name": "Many", "password": "a-long-password"}
            assert client.post("/api/users", json=body).status_code == 201

    def one_each() -> None:
        assert [len(mails_to(email)) for email in emails] == [1] * len(emails)

    eventually(one_each, within_s=60)
    assert sql("select count(*) from outbox where sent_at is null") == "0"
