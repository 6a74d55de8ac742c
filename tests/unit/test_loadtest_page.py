"""The page as a browser fetches it, and what of it is noticed when it is wrong."""

import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest

from app.site import naming
from loadtest.answers import WrongAnswer
from loadtest.page import EarlierVisit, Fetched, Page, check_file, check_page, files_of


class Site:
    """Serves files, and remembers what was asked."""

    def __init__(self, files: dict[str, bytes]) -> None:
        self.files = files
        self.asked: list[tuple[str, str]] = []

    def fetch(
        self, route: str, path: str, check: Callable[[bytes], None], etag: str = ""
    ) -> Fetched | None:
        """Answer as a server with ETags."""
        assert path == route or (route == "/static/{file}" and path.startswith("/static/"))
        self.asked.append((path, etag))
        now = hashlib.sha256(self.files[path]).hexdigest()
        if etag == now:
            return None
        check(self.files[path])
        return Fetched(self.files[path], now)

    def together(self, calls: list[Callable[[], object]]) -> None:
        """One after the other."""
        for call in calls:
            call()


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The real site, as the image has it."""
    folder = tmp_path_factory.mktemp("site")
    naming.build(Path("site"), folder)
    names = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*.*")}
    files = {f"/static/{name}": path.read_bytes() for name, path in names.items() if path.is_file()}
    return {**files, "/": files["/static/index.html"]}


def test_a_new_browser_fetches_every_file_that_the_page_names(built: dict[str, bytes]) -> None:
    """Broken: what a first visit costs is measured too low."""
    site = Site(built)
    Page(site, EarlierVisit()).open()
    scripts = {path for path in built if path.endswith((".js", ".css"))}
    assert scripts <= {path for path, _ in site.asked}
    assert len(site.asked) == len({path for path, _ in site.asked})


def test_who_comes_again_asks_only_whether_the_page_is_still_the_same(
    built: dict[str, bytes],
) -> None:
    """Broken: immutable files are asked for again, or the page is taken from the cache unasked."""
    site = Site(built)
    page = Page(site, EarlierVisit())
    page.open()
    site.asked.clear()
    page.open()
    assert site.asked == [("/", hashlib.sha256(built["/"]).hexdigest())]


def test_after_a_release_only_new_files_are_fetched(built: dict[str, bytes]) -> None:
    """Broken: a deploy under load costs nothing here, or everything."""
    held = EarlierVisit("older", frozenset(files_of(built["/"])[1:]))
    site = Site(built)
    Page(site, held).open()
    assert [path for path, _ in site.asked] == ["/", files_of(built["/"])[0]]


def test_a_page_or_a_file_that_is_not_whole_is_noticed(built: dict[str, bytes]) -> None:
    """Broken: an edge that stored half a file looks like a fast one."""
    path = files_of(built["/"])[0]
    check_page(built["/"])
    check_file(built[path], path)
    wrong: list[Callable[[], None]] = [
        lambda: check_page(built["/"][:200]),
        lambda: check_page(b"<!doctype html></html>"),
        lambda: check_file(built[path][:-1], path),
        lambda: check_file(built[path], "/static/theme.css"),
    ]
    for each in wrong:
        with pytest.raises(WrongAnswer):
            each()
