"""The crowd notices a wrong answer, whatever its status says."""

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest

from loadtest import answers
from loadtest.answers import WrongAnswer

AUTHOR = {"id": 7, "name": "서연"}
POST = {
    "id": 5,
    "title": "t",
    "body": "b",
    "views": 3,
    "created_at": "2026-01-01T00:00:00Z",
    "author": AUTHOR,
}
PROFILE = {"id": 7, "name": "서연", "created_at": "2026-01-01T00:00:00Z", "post_count": 2}
MEMBER = {"id": 7, "name": "서연", "email": "member7@example.com"}
PAGE = {"items": [{**POST, "id": 9}, POST], "next_cursor": "x"}
POPULAR = {"items": [{**POST, "id": n, "views": 100 - n} for n in range(10)]}


def changed(answer: dict[str, Any], **values: Any) -> dict[str, Any]:
    """The answer with other values."""
    return {**deepcopy(answer), **values}


def without(answer: dict[str, Any], name: str) -> dict[str, Any]:
    """The answer with a value left out."""
    return {key: value for key, value in answer.items() if key != name}


def test_right_answers_pass() -> None:
    """Broken: a run against a right site has failures."""
    answers.profile(PROFILE, 7)
    answers.post(POST, 5)
    answers.page(PAGE)
    answers.page(PAGE, below=10)
    answers.page(changed(PAGE, next_cursor=None))
    answers.page({"items": [], "next_cursor": None})
    answers.page_of_author(PAGE, 7)
    answers.popular(POPULAR)
    answers.member(MEMBER, id=7, name="서연")
    answers.written(POST, 7, "t")


WRONG: dict[str, Callable[[], None]] = {
    "another member's profile": lambda: answers.profile(PROFILE, 8),
    "an e-mail in a public profile": lambda: answers.profile(changed(PROFILE, email="x"), 7),
    "a profile without its count": lambda: answers.profile(without(PROFILE, "post_count"), 7),
    "a profile that is a list": lambda: answers.profile([PROFILE], 7),
    "another post": lambda: answers.post(POST, 6),
    "a post without a body": lambda: answers.post(without(POST, "body"), 5),
    "a post without an author": lambda: answers.post(changed(POST, author=None), 5),
    "a page in the wrong order": lambda: answers.page(
        {"items": [POST, {**POST, "id": 9}], "next_cursor": None}
    ),
    "a post twice": lambda: answers.page({"items": [POST, POST], "next_cursor": None}),
    "a page that repeats the one before": lambda: answers.page(PAGE, below=9),
    "a page that is too long": lambda: answers.page(
        {"items": [{**POST, "id": n} for n in range(30, 0, -1)]}
    ),
    "a cursor that is a number": lambda: answers.page(changed(PAGE, next_cursor=5)),
    "another author's post": lambda: answers.page_of_author(PAGE, 8),
    "popular posts in the wrong order": lambda: answers.popular({"items": POPULAR["items"][::-1]}),
    "too few popular posts": lambda: answers.popular({"items": POPULAR["items"][:9]}),
    "another member's account": lambda: answers.member(MEMBER, id=8),
    "a name that was not stored": lambda: answers.member(MEMBER, name="Mina"),
    "a post with another title": lambda: answers.written(POST, 7, "u"),
    "a post by another author": lambda: answers.written(POST, 8, "t"),
    "no page at all": lambda: answers.page(None),
}


@pytest.mark.parametrize("what", WRONG)
def test_wrong_answers_are_noticed(what: str) -> None:
    """Broken: a cache that mixes up two members looks like a fast one."""
    with pytest.raises(WrongAnswer):
        WRONG[what]()
