"""What people do on the site, in both languages: the steps that its tests are made of."""

from __future__ import annotations

import io
import time

import pytest
from PIL import Image
from playwright.sync_api import FilePayload, expect

from tests.chromium import PATIENCE_MS, Visitor
from tests.system.stack import ENTRY, mails_to
from tests.system.waiting import eventually

PASSWORD = "a-long-password-of-a-test"

# Who looks, and the words that they look for.
AT_A_DESK = {
    "viewport": {"width": 1280, "height": 900},
    "color_scheme": "light",
    "locale": "en-US",
}
ON_A_PHONE = {
    "viewport": {"width": 390, "height": 844},
    "color_scheme": "dark",
    "locale": "ko-KR",
    "has_touch": True,
}
WAYS = pytest.mark.parametrize("way", [AT_A_DESK, ON_A_PHONE], ids=["desk-en", "phone-ko"])
WORDS = {
    "en-US": {
        "sign_up": "Sign up", "log_in": "Log in", "log_out": "Log out", "name": "Name",
        "email": "E-mail", "password": "Password", "title": "Title", "body": "Your post",
        "publish": "Publish", "write": "Write", "follow": "Follow", "followed": "Following",
        "new_picture": "This is your new picture.", "unread": "Notifications, 1 unread",
        "none": "Nothing yet.", "everywhere": "Log out everywhere", "sure": "Yes, in all browsers",
    },
    "ko-KR": {
        "sign_up": "가입", "log_in": "로그인", "log_out": "로그아웃", "name": "이름",
        "email": "이메일", "password": "비밀번호", "title": "제목", "body": "내용",
        "publish": "올리기", "write": "글쓰기", "follow": "팔로우", "followed": "팔로잉",
        "new_picture": "새 사진으로 바뀌었습니다.", "unread": "알림, 읽지 않음 1개",
        "none": "아직 알림이 없습니다.", "everywhere": "모든 기기에서 로그아웃",
        "sure": "네, 모든 브라우저에서",
    },
}  # fmt: skip

expect.set_options(timeout=PATIENCE_MS)


def address() -> str:
    """Somebody new."""
    return f"site-{time.time_ns()}@example.com"


def fill(visitor: Visitor, submit: str, **fields: str) -> None:
    """Fill the fields of these labels' words and send the form."""
    words = words_of(visitor)
    for label, value in fields.items():
        visitor.page.get_by_label(words[label], exact=True).fill(value)
    visitor.page.locator("main form").get_by_role("button", name=words[submit]).click()


def words_of(visitor: Visitor) -> dict[str, str]:
    """The words of the visitor's language."""
    return WORDS[str(visitor.page.evaluate("navigator.language"))]


def go(visitor: Visitor, path: str) -> None:
    """Load the site at this place, and wait until it is drawn."""
    visitor.goto(f"{ENTRY}/#/{path}")
    expect(visitor.page.locator("main:not([aria-busy]) h1")).to_be_visible()


def log_in(visitor: Visitor, email: str) -> None:
    """Log in by the form."""
    go(visitor, "log-in")
    fill(visitor, "log_in", email=email, password=PASSWORD)
    expect(visitor.page.locator("nav .me")).to_be_visible()


def own_id(visitor: Visitor) -> int:
    """The number of the member who is logged in."""
    href = visitor.page.locator("nav .me").get_attribute("href")
    assert href
    return int(href.rpartition("/")[2])


def write(visitor: Visitor, title: str) -> None:
    """Write a post by the form, and see it."""
    words = words_of(visitor)
    visitor.page.get_by_role("link", name=words["write"]).click()
    fill(visitor, "publish", title=title, body="One line.\nAnd a second one.")
    expect(visitor.page.get_by_role("heading", name=title)).to_be_visible()


def wait_for_mail(address: str) -> None:
    """Wait until exactly one mail lies in the inbox."""

    def check() -> None:
        assert len(mails_to(address)) == 1

    eventually(check, within_s=60)


def wait_for_news(visitor: Visitor) -> None:
    """Load the page again until the bell says that there is one notification."""

    def check() -> None:
        visitor.page.reload()
        bell = visitor.page.get_by_role("link", name=words_of(visitor)["unread"], exact=True)
        expect(bell).to_be_visible(timeout=5000)

    eventually(check, within_s=90)


def show_a_face(visitor: Visitor) -> None:
    """Send a picture from one's own page, and see what became of it."""
    page, photograph = visitor.page, io.BytesIO()
    Image.new("RGB", (640, 480), "teal").save(photograph, "JPEG")
    sent: FilePayload = {
        "name": "me.jpg",
        "mimeType": "image/jpeg",
        "buffer": photograph.getvalue(),
    }
    page.locator("#avatar-file").set_input_files(sent)
    expect(page.get_by_text(words_of(visitor)["new_picture"])).to_be_visible()
    face = page.locator(".profile > img.avatar")
    expect(face).to_have_js_property("complete", value=True)
    assert face.evaluate("image => image.naturalWidth") > 0
    expect(page.locator("nav img.avatar")).to_be_visible()
