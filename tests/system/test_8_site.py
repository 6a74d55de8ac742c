"""The site as people use it: Chromium, the whole stack, both languages, a desk and a phone.

Pictures of what was seen are left in reports/tmp/.
"""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.chromium import Visitor, chromium, visit
from tests.system.stack import ROOT, Member, sign_up
from tests.system.visiting import (
    AT_A_DESK,
    PASSWORD,
    WAYS,
    WORDS,
    address,
    fill,
    go,
    log_in,
    own_id,
    show_a_face,
    wait_for_mail,
    wait_for_news,
    write,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Browser

PICTURES = ROOT / "reports/tmp"

pytestmark = pytest.mark.usefixtures("stage_5")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One browser for this file."""
    with chromium() as started:
        yield started


@pytest.fixture
def seen(request: pytest.FixtureRequest) -> Callable[[Visitor, str], None]:
    """Keep a picture of what a visitor sees, and hold the page to what all pages promise."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    test = re.sub(r"[^\w-]+", "-", request.node.name.removeprefix("test_")).strip("-")

    def look(visitor: Visitor, name: str) -> None:
        visitor.page.screenshot(path=PICTURES / f"site-{test}-{name}.png")
        visitor.is_accessible()
        visitor.fits()

    return look


@WAYS
def test_from_the_sign_up_to_a_followers_notification(
    browser: Browser, way: dict[str, str], seen: Callable[[Visitor, str], None]
) -> None:
    """Broken: somebody cannot join, write, show a face or be followed, in one of the languages."""
    email, title = address(), f"제목 <b>and</b> & {time.time_ns()}"
    with visit(browser, **way) as author, visit(browser, **way) as reader:
        words = WORDS[way["locale"]]
        page = author.page
        go(author, "")
        expect(page.locator(".feed .card").first).to_be_visible()
        assert page.locator("html").get_attribute("lang") == way["locale"][:2]
        seen(author, "1-home")

        page.locator("nav").get_by_role("link", name=words["sign_up"]).click()
        expect(page.get_by_label(words["email"])).to_be_visible()
        seen(author, "2-sign-up")
        fill(author, "sign_up", email=email, name="아다 Ada", password=PASSWORD)
        expect(page.locator("nav .me")).to_be_visible()

        wait_for_mail(email)
        page.locator("nav .me").click()
        page.locator("main").get_by_role("button", name=words["log_out"], exact=True).click()
        expect(page.locator("nav .me")).to_have_count(0)
        log_in(author, email)

        log_in(reader, sign_up(address(), "Reader").email)
        go(reader, "notifications")
        expect(reader.page.get_by_text(words["none"])).to_be_visible()
        seen(reader, "3-no-notifications")
        go(reader, f"members/{own_id(author)}")
        reader.page.get_by_role("button", name=words["follow"], exact=True).click()
        expect(reader.page.get_by_role("button", name=words["followed"])).to_be_visible()
        seen(reader, "4-followed")

        write(author, title)
        seen(author, "5-post")

        wait_for_news(reader)
        reader.page.locator("nav .bell").click()
        news = reader.page.get_by_role("link", name=title)
        expect(news).to_be_visible()
        seen(reader, "6-notifications")
        expect(reader.page.locator("nav .badge")).to_have_count(0)
        news.click()
        expect(reader.page.get_by_role("heading", name=title)).to_be_visible()

        page.locator("nav .me").click()
        show_a_face(author)
        seen(author, "7-avatar")
        for visitor in (author, reader):
            visitor.nothing_to_complain()


@WAYS
def test_the_drawer_shows_the_way_of_each_request(
    browser: Browser, way: dict[str, str], seen: Callable[[Visitor, str], None]
) -> None:
    """Broken: the picture is not that of this stack, or a request's way is not the one it took."""
    with visit(browser, **way) as visitor:
        page, lit = visitor.page, visitor.page.locator("#made .box.lit .box-name")
        go(visitor, "members/7")
        page.locator("#made > summary").click()
        boxes = page.locator("#made .box-name")
        expect(boxes.filter(has_text="rabbitmq")).to_be_visible()
        others = {name for name in boxes.all_text_contents() if not name.startswith("web-")}
        assert others - {"browser", "브라우저"} == {
            "edge", "lb", "redis", "replica-1", "replica-2", "primary",
            "relay", "rabbitmq", "worker", "mail",
        }  # fmt: skip
        seen(visitor, "1-open")

        profile = page.get_by_role("button", name="GET /api/users/7", exact=True)
        profile.click()
        row = page.locator("#made-rows tr").filter(has=profile)
        served_by = row.locator("td").nth(1).text_content()
        assert served_by
        assert re.fullmatch(r"web-\d+", served_by)
        way_taken = lit.all_text_contents()
        assert {"edge", "lb", served_by, "redis"} <= set(way_taken)
        seen(visitor, "2-profile")

        page.reload()
        page.locator("#made > summary").click()
        style = page.locator(".hop", has_text=re.compile(r"theme\.\w+\.css"))
        style.focus()
        assert "lb" not in lit.all_text_contents()  # the edge's or the browser's own copy
        visitor.nothing_to_complain()


def test_a_write_is_told_of_on_the_page_that_it_led_to(browser: Browser) -> None:
    """Broken: the most interesting requests are gone from the drawer before they can be seen."""
    with visit(browser, **AT_A_DESK) as visitor:
        go(visitor, "sign-up")
        fill(visitor, "sign_up", email=address(), name="Ada", password=PASSWORD)
        expect(visitor.page.locator("nav .me")).to_be_visible()
        visitor.page.locator("#made > summary").click()
        visitor.page.get_by_role("button", name="POST /api/users", exact=True).hover()
        way = visitor.page.locator("#made-way").text_content() or ""
        assert "primary" in way
        assert way.endswith("relay → rabbitmq → worker → mail")
        visitor.nothing_to_complain()


@WAYS
def test_what_goes_wrong_is_said_in_words(
    browser: Browser, way: dict[str, str], seen: Callable[[Visitor, str], None]
) -> None:
    """Broken: a mistake or an outage leaves a dead form or an empty page."""
    member = sign_up(address())
    with visit(browser, **way) as visitor:
        page = visitor.page
        go(visitor, "sign-up")
        fill(visitor, "sign_up", email=member.email, name="Ada", password=PASSWORD)
        expect(page.locator(".outcome.bad")).not_to_be_empty()
        seen(visitor, "1-taken")
        go(visitor, "log-in")
        fill(visitor, "log_in", email=member.email, password="not-this-password")
        expect(page.locator(".outcome.bad")).not_to_be_empty()
        go(visitor, "posts/999999999")
        expect(page.locator("main h1")).to_be_visible()
        seen(visitor, "2-no-such-post")

        page.route("**/api/**", lambda route: route.abort())
        go(visitor, "posts/1")
        again = page.locator("main").get_by_role("button")
        expect(again).to_be_visible()
        seen(visitor, "3-unreachable")
        page.unroute("**/api/**")
        again.click()
        expect(page.locator("article.post")).to_be_visible()
        # The browser itself reports each request that failed.
        visitor.nothing_to_complain(but="Failed to load resource")


def test_who_is_logged_out_elsewhere_keeps_the_draft(browser: Browser) -> None:
    """Broken: logging out everywhere leaves a session alive, or costs the other what was typed."""
    member = sign_up(address())
    words = WORDS["en-US"]
    with visit(browser, **AT_A_DESK) as here, visit(browser, **AT_A_DESK) as there:
        for visitor in (here, there):
            log_in(visitor, member.email)
        there.page.get_by_role("link", name=words["write"]).click()
        there.page.get_by_label(words["title"]).fill("A long thought")
        there.page.get_by_label(words["body"]).fill("Not finished yet.")

        here.page.locator("nav .me").click()
        here.page.get_by_role("button", name=words["everywhere"]).click()
        here.page.get_by_role("button", name=words["sure"]).click()
        expect(here.page.locator("nav .me")).to_have_count(0)
        here.nothing_to_complain()

        there.page.get_by_role("button", name=words["publish"]).click()
        expect(there.page.locator("nav .me")).to_have_count(0)
        there.page.locator("nav").get_by_role("link", name=words["log_in"]).click()
        fill(there, "log_in", email=member.email, password=PASSWORD)
        expect(there.page.get_by_label(words["title"])).to_have_value("A long thought")
        expect(there.page.get_by_label(words["body"])).to_have_value("Not finished yet.")
        there.nothing_to_complain(but="401")


@pytest.fixture(scope="module")
def member() -> Member:
    """Somebody with an account."""
    return sign_up(address(), "Ada Lovelace")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("locale", ["en-US", "ko-KR"])
def test_every_page_is_for_everybody(
    browser: Browser,
    member: Member,
    scheme: str,
    locale: str,
    seen: Callable[[Visitor, str], None],
) -> None:
    """Broken: a page cannot be read by a screen reader, has too little contrast, or is cut off."""
    window = {"width": 320, "height": 700} if locale == "ko-KR" else {"width": 1100, "height": 900}
    with visit(browser, viewport=window, color_scheme=scheme, locale=locale) as visitor:
        log_in(visitor, member.email)
        pages = ["", "posts/1", "members/1", f"members/{member.id}", "write", "notifications"]
        for path in pages:
            go(visitor, path)
            seen(visitor, path.replace("/", "-") or "home")
        visitor.page.locator("#made > summary").click()
        expect(visitor.page.locator("#made .diagram")).to_be_visible()
        seen(visitor, "drawer")
        visitor.nothing_to_complain()
