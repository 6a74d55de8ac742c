"""What a right answer looks like. A status alone would let a cache mix up two members unseen.

Each function takes the decoded JSON of an answer and raises `WrongAnswer` with one line that says
what is wrong.
"""

from itertools import pairwise
from typing import Any

MOST_PER_PAGE = 20
MOST_POPULAR = 10


class WrongAnswer(Exception):
    """The answer came, and is not what was asked for."""


def profile(answer: Any, member_id: int) -> None:
    """The profile of this member, without what is not for everybody."""
    _has(answer, {"id": int, "name": str, "created_at": str, "post_count": int})
    _same("id", answer["id"], member_id)
    if "email" in answer:
        raise WrongAnswer("a public profile shows an e-mail")


def post(answer: Any, post_id: int) -> None:
    """This post, whole."""
    _summary(answer)
    _has(answer, {"body": str})
    _same("id", answer["id"], post_id)


def page(answer: Any, below: int | None = None) -> None:
    """A page of posts, the newest first, all of them older than the post `below`."""
    posts = _posts(answer, MOST_PER_PAGE)
    ids = [each["id"] for each in posts]
    if below is not None:
        ids = [below, *ids]
    if any(newer <= older for newer, older in pairwise(ids)):
        raise WrongAnswer("posts are not in the order of their ids, or repeat the page before")
    if not isinstance(answer.get("next_cursor"), str | None):
        raise WrongAnswer("next_cursor is neither text nor null")


def page_of_author(answer: Any, author_id: int) -> None:
    """A page of posts, all by this member."""
    page(answer)
    for each in answer["items"]:
        _same("author", each["author"]["id"], author_id)


def popular(answer: Any) -> None:
    """The ten most viewed posts, the most viewed first."""
    views = [each["views"] for each in _posts(answer, MOST_POPULAR)]
    if len(views) < MOST_POPULAR:
        raise WrongAnswer(f"{len(views)} popular posts instead of {MOST_POPULAR}")
    if views != sorted(views, reverse=True):
        raise WrongAnswer("popular posts are not in the order of their views")


def member(answer: Any, **expected: str | int) -> None:
    """A member as told to the member: with these values."""
    _has(answer, {"id": int, "email": str, "name": str})
    for name, value in expected.items():
        _same(name, answer[name], value)


def written(answer: Any, author_id: int, title: str) -> None:
    """A post just written: by this author, with this title, and new."""
    _summary(answer)
    _same("author", answer["author"]["id"], author_id)
    _same("title", answer["title"], title)


def something(body: bytes) -> None:
    """Not nothing: all that can be said of any route."""
    if not body:
        raise WrongAnswer("the body is empty")


def _posts(answer: Any, at_most: int) -> list[Any]:
    _has(answer, {"items": list})
    posts: list[Any] = answer["items"]
    if len(posts) > at_most:
        raise WrongAnswer(f"{len(posts)} posts where {at_most} are the most")
    for each in posts:
        _summary(each)
    return posts


def _summary(answer: Any) -> None:
    _has(answer, {"id": int, "title": str, "views": int, "created_at": str, "author": dict})
    _has(answer["author"], {"id": int, "name": str})


def _has(answer: Any, shape: dict[str, type]) -> None:
    if not isinstance(answer, dict):
        raise WrongAnswer(f"{type(answer).__name__} where an object was expected")
    for name, kind in shape.items():
        if not isinstance(answer.get(name), kind):
            got = type(answer.get(name)).__name__
            raise WrongAnswer(f"{name} is {got} instead of {kind.__name__}")


def _same(name: str, got: object, expected: object) -> None:
    if got != expected:
        # Without the values: Locust's table of errors has one line per sentence.
        raise WrongAnswer(f"another {name} than asked for")
