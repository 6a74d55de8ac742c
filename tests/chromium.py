"""The browser of the tests: Debian's Chromium (its headless shell, a fifth of the
work), driven by Playwright, and what it complained of.

Use it for one module at a time: while it is open, its event loop occupies the thread, and no other
test could run one of its own.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import sync_playwright

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, ConsoleMessage, Page

# No sandbox: the box has no user namespaces to build one of. The rest keeps it off the network.
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
# For a machine that does much else at the same time.
PATIENCE_MS = 60_000
_LOADS = 5
_CUT_OFF = "net::ERR_NETWORK_CHANGED"


@contextmanager
def chromium() -> Iterator[Browser]:
    """Open the browser for the block."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path="/usr/bin/chromium-headless-shell", args=FLAGS
        )
        yield browser
        browser.close()


@dataclass
class Visitor:
    """One person's browser window: a page with cookies and settings of its own."""

    page: Page
    complaints: list[str] = field(default_factory=list)
    # A network of this machine came or went (somebody's containers do that): Chromium then drops
    # what it is loading. The page may need to be loaded again; the site is not to blame.
    cut_off: bool = False

    def goto(self, address: str) -> None:
        """Load a page, again if the network changed meanwhile."""
        for _ in range(_LOADS):
            self.cut_off = False
            self.page.goto("about:blank")  # otherwise only the part behind the # might change
            self.page.goto(address)
            if not self.cut_off:
                break

    def nothing_to_complain(self, *, but: str = "") -> None:
        """Assert that the console has no error or warning, except those that contain `but`."""
        complaints = [each for each in self.complaints if not but or but not in each]
        assert not complaints, complaints

    def is_accessible(self) -> None:
        """Assert that axe-core finds nothing serious or critical on the page as it stands."""
        found: list[dict[str, Any]] = Axe().run(self.page).response["violations"]
        serious = [each for each in found if each["impact"] in ("serious", "critical")]
        told = [
            (each["id"], [(node["target"], node["failureSummary"]) for node in each["nodes"]])
            for each in serious
        ]
        assert not told, (self.page.url, told)

    def fits(self) -> None:
        """Assert that the page does not have to be scrolled sideways."""
        wide = self.page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert wide <= 0, (self.page.url, wide)


@contextmanager
def visit(browser: Browser, **settings: Any) -> Iterator[Visitor]:
    """A window for the block; `settings` are Playwright's (viewport, color_scheme, locale …)."""
    with browser.new_context(reduced_motion="reduce", **settings) as context:
        page = context.new_page()
        page.set_default_timeout(PATIENCE_MS)
        visitor = Visitor(page)

        def complain(message: ConsoleMessage) -> None:
            if _CUT_OFF in message.text:
                visitor.cut_off = True
            elif message.type in ("error", "warning"):
                visitor.complaints.append(f"{message.text} {message.location.get('url', '')}")

        page.on("console", complain)
        page.on("pageerror", lambda error: visitor.complaints.append(str(error)))
        yield visitor
