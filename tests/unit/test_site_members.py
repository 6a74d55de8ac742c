"""Promises of the pages for members, above all for what a healthy stack seldom shows.

The API is played by the test, in the words of its contract.
"""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import FilePayload, expect

from tests.chromium import Visitor, chromium, visit
from tests.unit.site_server import Answer, served

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser

ME, OTHER = {"id": 1, "name": "Ada"}, {"id": 2, "name": "Grace"}
AT = "2026-01-01T00:00:00Z"
NO_POSTS: dict[str, Any] = {"items": [], "next_cursor": None}
NEWS = {
    "id": 9,
    "kind": "new_post",
    "created_at": AT,
    "read": False,
    "author": OTHER,
    "post": {"id": 5, "title": "<b>A post</b>"},
}
FILE: FilePayload = {"name": "me.png", "mimeType": "image/png", "buffer": b"not looked at here"}


@dataclass
class Api:
    """What it says of the jobs, one after another; what it was asked to change."""

    jobs: list[dict[str, Any]] = field(default_factory=list)
    unread: int = 0
    follows: bool = False
    refuse: int = 0
    writes: list[str] = field(default_factory=list)

    def __call__(self, method: str, path: str) -> Answer:
        """Answer one request."""
        if method != "GET":
            self.writes.append(f"{method} {path}")
            if self.refuse:
                return Answer({"title": "No"}, status=self.refuse)
        if path == "/api/users/me/avatar":
            return Answer({"job": "/api/jobs/7"}, status=202)
        if method != "GET":
            self.follows = method == "PUT"
            return Answer(status=204)
        if path == "/api/jobs/7":
            return Answer(self.jobs.pop(0))
        known: dict[str, Any] = {
            "/api/users/me/following/2": {"following": self.follows},
            "/api/notifications": {
                "items": [NEWS] if self.unread else [],
                "next_cursor": None,
                "unread": self.unread,
            },
            "/api/users/1": {**ME, "created_at": AT, "post_count": 0, "avatar": None},
            "/api/users/2": {**OTHER, "created_at": AT, "post_count": 0, "avatar": None},
        }
        return Answer(known.get(path, NO_POSTS))


def job(status: str, **more: str) -> dict[str, Any]:
    """How a job goes."""
    return {"id": "7", "kind": "process_avatar", "status": status, "created_at": AT, **more}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One browser for this file."""
    with chromium() as started:
        yield started


@contextmanager
def logged_in(browser: Browser, api: Api, path: str) -> Iterator[Visitor]:
    """A page of the site, seen by Ada."""
    with served(api) as address, visit(browser, locale="en-US") as visitor:
        remembered = json.dumps(json.dumps(ME))
        # Only on pages of the site: a blank one has no storage.
        visitor.page.add_init_script(
            f"if (location.host) localStorage['sluice.member'] = {remembered}"
        )
        visitor.goto(f"{address}#/{path}")
        expect(visitor.page.locator("main:not([aria-busy]) h1")).to_be_visible()
        yield visitor


def test_a_picture_is_followed_until_it_is_there(browser: Browser) -> None:
    """Broken: the page says done while the worker has not begun, or waits for ever."""
    api = Api(jobs=[job("waiting"), job("waiting"), job("done", finished_at=AT)])
    with logged_in(browser, api, "members/1") as visitor:
        visitor.page.locator("#avatar-file").set_input_files(FILE)
        expect(visitor.page.locator(".steps .now")).to_have_text("In the queue")
        expect(visitor.page.get_by_text("This is your new picture.")).to_be_visible()
        expect(visitor.page.locator(".steps .done")).to_have_count(3)
        expect(visitor.page.locator("#avatar-file")).to_be_enabled()
        visitor.nothing_to_complain()


def test_a_picture_that_cannot_be_used_says_why(browser: Browser) -> None:
    """Broken: somebody waits for a picture that will never come."""
    api = Api(jobs=[job("failed", finished_at=AT, reason="It has more than 40 megapixels.")])
    with logged_in(browser, api, "members/1") as visitor:
        visitor.page.locator("#avatar-file").set_input_files(FILE)
        expect(visitor.page.get_by_text("It has more than 40 megapixels.")).to_be_visible()
        expect(visitor.page.locator(".steps")).to_be_hidden()


@pytest.mark.parametrize(
    ("status", "said"), [(413, "That is too large."), (415, "This kind of file is not taken.")]
)
def test_a_file_that_is_refused_says_why(browser: Browser, status: int, said: str) -> None:
    """Broken: a refusal looks like a success, or like nothing."""
    with logged_in(browser, Api(refuse=status), "members/1") as visitor:
        visitor.page.locator("#avatar-file").set_input_files(FILE)
        expect(visitor.page.get_by_text(said)).to_be_visible()
        visitor.nothing_to_complain(but=str(status))


def test_a_file_that_is_far_too_large_is_not_sent(browser: Browser) -> None:
    """Broken: minutes are spent on sending what will be refused."""
    api = Api()
    with logged_in(browser, api, "members/1") as visitor:
        large: FilePayload = {**FILE, "buffer": bytes(5 * 1024 * 1024 + 1)}
        visitor.page.locator("#avatar-file").set_input_files(large)
        expect(visitor.page.get_by_text("That is too large.")).to_be_visible()
    assert api.writes == []


def test_following_and_no_longer(browser: Browser) -> None:
    """Broken: the button shows something else than what is so."""
    api = Api()
    with logged_in(browser, api, "members/2") as visitor:
        button = visitor.page.locator(".profile .following button")
        for pressed, words in (("true", "Following"), ("false", "Follow")):
            button.click()
            expect(button).to_have_text(words)
            expect(button).to_have_attribute("aria-pressed", pressed)
        api.refuse = 503
        button.click()
        expect(visitor.page.locator(".profile .outcome")).not_to_be_empty()
        expect(button).to_have_text("Follow")
    assert api.writes[:2] == [f"{how} /api/users/me/following/2" for how in ("PUT", "DELETE")]


def test_news_is_counted_until_it_was_seen(browser: Browser) -> None:
    """Broken: the bell rings for ever, or the page marks as read what nobody saw."""
    api = Api(unread=100)
    with logged_in(browser, api, "members/1") as visitor:
        bell = visitor.page.locator("nav .bell")
        expect(bell).to_have_attribute("aria-label", "Notifications, 99+ unread")
        assert api.writes == []
        bell.click()
        expect(visitor.page.locator(".card.unread")).to_contain_text("<b>A post</b>")
        expect(visitor.page.locator("nav .badge")).to_have_count(0)
        visitor.nothing_to_complain()
    assert api.writes == ["PUT /api/notifications/read"]
