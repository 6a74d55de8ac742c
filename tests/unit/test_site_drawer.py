"""Promises of the drawer "How this page was made", for answers as each of the stages gives them.

The browser gets the files of `site/`, and answers of the API with the headers that the boxes of one
stage write. That they do write them is shown on the real stack.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from tests.chromium import Visitor, chromium, visit
from tests.unit.site_server import Answer, served

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Locator

ALL = {
    "primary": "primary",
    "replicas": ["replica-1", "replica-2"],
    "cache": "redis",
    "broker": "rabbitmq",
    "mail": "mail",
}
NONE: dict[str, Any] = {"replicas": [], "cache": None, "broker": None}

# What is there; what the answer of GET /api/posts/popular says; the boxes that are drawn; its way.
STAGES: dict[int, tuple[dict[str, Any], str, str, str]] = {
    1: (
        ALL | NONE,
        "cache;desc=off, db;desc=primary;dur=4.0, app;desc=web-1;dur=9.0",
        "browser mail primary web-1",
        "browser web-1 primary",
    ),
    2: (
        ALL | NONE,
        "cache;desc=off, db;desc=primary;dur=4.0, app;desc=web-2;dur=9.0, lb;dur=10",
        "browser lb mail primary web-2",
        "browser lb web-2 primary",
    ),
    3: (
        ALL | NONE | {"replicas": ALL["replicas"]},
        "cache;desc=off, db;desc=replica-2;dur=4.0, app;desc=web-3;dur=9.0, lb;dur=10",
        "browser lb mail primary replica-1 replica-2 web-3",
        "browser lb web-3 replica-2",
    ),
    4: (
        ALL | {"broker": None},
        "cache;desc=hit, redis;dur=0.7, app;desc=web-10;dur=9.0, lb;dur=10",
        "browser lb mail primary redis replica-1 replica-2 web-10",
        "browser lb web-10 redis",
    ),
    5: (
        ALL,
        "cache;desc=hit, redis;dur=0.7, app;desc=web-1;dur=9.0, lb;dur=10, edge;desc=HIT;dur=0",
        "browser edge lb mail primary rabbitmq redis relay replica-1 replica-2 web-1 worker",
        "browser edge",
    ),
}


# Other answers of the fifth stage: no cache could help, and a job was caused.
SLOW = "redis;dur=1.5, db;desc=primary;dur=4.0, app;desc=web-1;dur=9.0, lb;dur=12, edge;dur=13"
JOB = (
    'db;desc=primary;dur=4.0, job;desc="welcome_email queued", app;desc=web-1;dur=9.0, lb;dur=12,'
    " edge;desc=BYPASS;dur=13"
)


@contextmanager
def opened(browser: Browser, told: dict[str, Any], timings: dict[str, str]) -> Iterator[Visitor]:
    """The first page with its drawer open, and the picture complete."""

    def answer(_: str, path: str) -> Answer:
        body = told if path == "/api/architecture" else {"items": [], "next_cursor": None}
        return Answer(body, timing=timings.get(path, timings[""]))

    with served(answer) as address, visit(browser, locale="en-US") as visitor:
        visitor.goto(address)
        visitor.page.locator("#made > summary").click()
        visitor.page.locator("#made .box-name", has_text="mail").wait_for()
        popular(visitor).wait_for()
        yield visitor


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One browser for this file."""
    with chromium() as started:
        yield started


@pytest.fixture(scope="module")
def stage_5(browser: Browser) -> Iterator[Visitor]:
    """The drawer of the fifth stage, for several tests."""
    told, timing, *_ = STAGES[5]
    timings = {"": timing, "/api/posts": SLOW, "/api/architecture": JOB}
    with opened(browser, told, timings) as visitor:
        yield visitor


def popular(visitor: Visitor) -> Locator:
    """The request that all pages here have made."""
    return visitor.page.get_by_role("button", name="GET /api/posts/popular")


def drawn(visitor: Visitor, which: str = ".box") -> str:
    """The names in the picture, sorted by the alphabet."""
    return " ".join(sorted(visitor.page.locator(f"#made {which} .box-name").all_text_contents()))


@pytest.mark.parametrize("stage", STAGES)
def test_the_picture_is_that_of_the_stage(browser: Browser, stage: int) -> None:
    """Broken: the drawer draws a box that is not there, leaves one out, or shows another way."""
    told, timing, boxes, way = STAGES[stage]
    with opened(browser, told, {"": timing}) as visitor:
        assert drawn(visitor) == boxes
        popular(visitor).hover()
        assert drawn(visitor, ".box.lit") == " ".join(sorted(way.split()))
        assert visitor.page.locator("#made .link.lit").count() == len(way.split()) - 1
        visitor.nothing_to_complain()


def test_every_box_shows_the_time_that_was_spent_in_it(stage_5: Visitor) -> None:
    """Broken: a proxy seems slow because what is behind it is."""
    stage_5.page.get_by_role("button", name="GET /api/posts", exact=True).hover()
    way = stage_5.page.locator("#made-way").inner_text()
    assert way.partition("→ ")[2] == (
        "edge 1.0 ms → lb 3.0 ms → web-1 3.5 ms → redis 1.5 ms → primary 4.0 ms"
    )


def test_a_job_goes_on_after_the_answer(stage_5: Visitor) -> None:
    """Broken: nobody sees where the welcome mail comes from."""
    stage_5.page.get_by_role("button", name="GET /api/architecture").hover()
    assert stage_5.page.locator("#made .link.later.lit").count() == 4
    way = stage_5.page.locator("#made-way").inner_text()
    assert way.endswith("; later relay → rabbitmq → worker → mail")
    assert "welcome_email: queued" in stage_5.page.locator("#made-rows").inner_text()


@pytest.mark.parametrize("width", [320, 390, 1100])
def test_no_box_lies_on_another_or_outside(stage_5: Visitor, width: int) -> None:
    """Broken: on a phone the names cannot be read, or half of the picture is cut off."""
    stage_5.page.set_viewport_size({"width": width, "height": 900})
    stage_5.page.wait_for_function(
        "document.querySelector('.diagram').getBoundingClientRect().right <= innerWidth"
    )
    places = stage_5.page.evaluate(
        "[...document.querySelectorAll('#made .box rect')].map((rect) => {"
        " const { left, top, right, bottom } = rect.getBoundingClientRect();"
        " return [left, top, right, bottom]; })"
    )
    assert len(places) == 12
    for i, (left, top, right, bottom) in enumerate(places):
        assert 0 <= left < right <= width
        for other in places[:i]:
            apart = right <= other[0] or other[2] <= left or bottom <= other[1] or other[3] <= top
            assert apart, (places[i], other)
    assert stage_5.page.evaluate(
        "[...document.querySelectorAll('#made .box-name')].every((text) => text.getBBox().width <="
        " text.parentNode.querySelector('rect').getBBox().width)"
    )
    stage_5.fits()


def test_the_drawer_is_for_the_keyboard_as_well(stage_5: Visitor) -> None:
    """Broken: who has no mouse sees a picture that never answers."""
    page, button = stage_5.page, popular(stage_5)
    button.focus()
    assert drawn(stage_5, ".box.lit") == STAGES[5][3]
    page.keyboard.press("Enter")
    page.locator('#made [aria-pressed="true"]').wait_for()
    assert button.evaluate("button => button === document.activeElement")
    page.locator("#made > summary").focus()
    assert "GET /api/posts/popular" in page.locator("#made-way").inner_text()
