"""The site's page and its files, as a browser fetches them.

The page is asked for each time with the ETag of the copy that is held, and 304 keeps that copy. The
files are named by their content and immutable: a browser that holds one does not ask again. Who is
here for the first time fetches them all, six at once.
"""

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from loadtest.answers import WrongAnswer

# What the page names: its styles, scripts and icon.
_FILES = re.compile(rb"""(?:href|src)="(/static/[\w./-]+)\"""")
_HASH = re.compile(r"\.([0-9a-f]{12})\.\w+$")


@dataclass(frozen=True)
class EarlierVisit:
    """What a browser holds of an earlier visit: nothing, if there was none."""

    etag: str = ""
    files: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Fetched:
    """An answer with a body; one that was not modified has none."""

    body: bytes
    etag: str


class Fetching(Protocol):
    """What a page needs of a browser."""

    def fetch(
        self, route: str, path: str, check: Callable[[bytes], None], etag: str = ""
    ) -> Fetched | None:
        """GET; with an ETag 304 is right as well. → None when it was wrong, missing, or 304."""

    def together(self, calls: list[Callable[[], object]]) -> None:
        """Make calls at once, as many as a browser has connections to one host."""


class Page:
    """The page in one person's browser."""

    def __init__(self, browser: Fetching, earlier: EarlierVisit) -> None:
        """`earlier` is what the browser holds already."""
        self._browser, self._etag, self._held = browser, earlier.etag, set(earlier.files)

    def open(self) -> None:
        """Ask for the page, and for those of its files that are not held."""
        page = self._browser.fetch("/", "/", check_page, self._etag)
        if page is None:
            return
        self._etag = page.etag
        missing = [path for path in files_of(page.body) if path not in self._held]
        self._browser.together([partial(self._file, path) for path in missing])

    def _file(self, path: str) -> None:
        if self._browser.fetch("/static/{file}", path, lambda body: check_file(body, path)):
            self._held.add(path)


def files_of(page: bytes) -> list[str]:
    """The files that a page names, each once."""
    return list(dict.fromkeys(found.decode() for found in _FILES.findall(page)))


def check_page(body: bytes) -> None:
    """It is a page, whole."""
    if not body.lstrip().lower().startswith(b"<!doctype html") or b"</html>" not in body:
        raise WrongAnswer("the page is not whole")
    if not files_of(body):
        raise WrongAnswer("the page names no file")


def check_file(body: bytes, path: str) -> None:
    """It is the very content that it is named by (app/site/naming.py)."""
    named = _HASH.search(path)
    if named is None:
        raise WrongAnswer("a file's name has no hash")
    if not hashlib.sha256(body).hexdigest().startswith(named[1]):
        raise WrongAnswer("a file is not the one that its name says")
