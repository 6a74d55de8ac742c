"""Promises of `app/replies.py`: what may be kept, by whom, and for how long."""

import pytest
from fastapi import Request, Response

from app import replies

BODY = b'{"id":1}'


def request(**headers: str) -> Request:
    """A request with these headers."""
    pairs = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return Request({"type": "http", "headers": pairs})


def policy(response: Response) -> str:
    """Its Cache-Control."""
    return response.headers["cache-control"]


def test_lists_may_be_shared_for_a_second() -> None:
    """Broken: the edge asks for every list, or shows yesterday's."""
    policies = policy(replies.shared(request(), BODY)).split(", ")
    assert policies == ["public", "max-age=1", "stale-while-revalidate=5", "stale-if-error=600"]


@pytest.mark.parametrize("cookie", ["session=x", "a=b; session=x", "written=x"])
def test_what_is_made_for_one_member_is_kept_by_nobody(cookie: str) -> None:
    """Broken: the edge gives one member's page to all."""
    for reply in (replies.shared, replies.validated):
        assert policy(reply(request(cookie=cookie), BODY)) == "private, no-store"
    assert policy(replies.private(BODY, 201)) == "private, no-store"
    assert policy(replies.nothing()) == "private, no-store"


def test_who_has_this_version_gets_no_body() -> None:
    """Broken: browsers load again what they have."""
    first = replies.validated(request(), BODY)
    assert policy(first) == "no-cache"
    again = replies.validated(request(if_none_match=first.headers["etag"]), BODY)
    assert (again.status_code, bytes(again.body)) == (304, b"")
    assert again.headers["etag"] == first.headers["etag"]
    changed = replies.validated(request(if_none_match=first.headers["etag"]), b'{"id":2}')
    assert changed.status_code == 200


@pytest.mark.parametrize(
    ("sent", "known"),
    [
        ('"a"', True),
        ('W/"a"', True),
        ('"b", W/"a"', True),
        ("*", True),
        ('"b"', False),
        ("a", False),
    ],
)
def test_versions_are_compared_as_a_compressing_proxy_leaves_them(
    *, sent: str, known: bool
) -> None:
    """Broken: behind a proxy that compresses, nothing is ever 304."""
    assert replies.matches(sent, '"a"') is known


def test_the_same_content_has_the_same_version_everywhere() -> None:
    """Broken: each replica has a version of its own, and 304 is a matter of luck."""
    assert replies.etag(BODY) == '"a3b8dfcf994b51acdc"'
