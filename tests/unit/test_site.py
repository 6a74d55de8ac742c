"""Promises of `app/site/`: names by content, and how long they may be kept."""

import gzip
import re
from pathlib import Path

import pytest
from fastapi import FastAPI

from app import errors
from app.site import naming
from app.site.naming import BrokenReference
from app.site.serving import Site
from tests.unit.asgi import Answer, ask

PAGE = '<link href="/static/look.css"><script src="/static/start.js"></script>'


def write(folder: Path, **files: str) -> Path:
    """A site of these files; `look_css` becomes `look.css`."""
    folder.mkdir(exist_ok=True)
    for name, content in files.items():
        (folder / name.replace("_", ".")).write_text(content)
    return folder


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A page, its look, two scripts and a picture."""
    return write(
        tmp_path / "site",
        index_html=PAGE,
        look_css=".a { background: url(/static/dot.svg) }",
        start_js='import { x } from "/static/rest.js";' + " // filler" * 100,
        rest_js="export const x = 1;",
        dot_svg="<svg/>",
    )


def served(folder: Path, path: str, **headers: str) -> Answer:
    """The answer of the site in this folder."""
    app = FastAPI()
    errors.install(app)
    app.router.default = Site(str(folder))
    return ask(app, path, headers={k.replace("_", "-"): v for k, v in headers.items()})


def test_a_name_changes_with_the_content_and_only_with_it(source: Path, tmp_path: Path) -> None:
    """Broken: after a deploy browsers run last year's script, or load all again for nothing."""
    first = naming.build(source, tmp_path / "first")
    assert naming.build(source, tmp_path / "again") == first
    (source / "look.css").write_text(".a { color: red }")
    second = naming.build(source, tmp_path / "second")
    assert {name for name in first if first[name] != second[name]} == {"look.css"}


def test_a_change_deep_down_renames_all_that_refer_to_it(source: Path, tmp_path: Path) -> None:
    """Broken: the new script is out, but the old one's name is kept for a year in another."""
    first = naming.build(source, tmp_path / "first")
    (source / "rest.js").write_text("export const x = 2;")
    second = naming.build(source, tmp_path / "second")
    assert {name for name in first if first[name] != second[name]} == {"rest.js", "start.js"}


def test_every_reference_leads_to_a_file(source: Path, tmp_path: Path) -> None:
    """Broken: the page comes without its look."""
    names = naming.build(source, tmp_path / "out")
    for name in ("index.html", names["look.css"], names["start.js"]):
        for reference in re.findall(r"/static/([\w.]+)", (tmp_path / "out" / name).read_text()):
            assert (tmp_path / "out" / reference).is_file(), (name, reference)


def test_pages_keep_their_names(source: Path, tmp_path: Path) -> None:
    """Broken: links and bookmarks die with each deploy."""
    assert naming.build(source, tmp_path / "out")["index.html"] == "index.html"


def test_a_reference_to_nothing_ends_the_build(source: Path, tmp_path: Path) -> None:
    """Broken: the mistake is found by visitors."""
    (source / "look.css").unlink()
    with pytest.raises(BrokenReference, match=r"index\.html refers to look\.css"):
        naming.build(source, tmp_path / "out")


def test_files_that_refer_to_each_other_in_a_circle_end_the_build(tmp_path: Path) -> None:
    """Broken: the build never ends, or one of the names is wrong."""
    source = write(tmp_path / "site", a_js='import "/static/b.js"', b_js='import "/static/a.js"')
    with pytest.raises(BrokenReference, match=r"a\.js → b\.js → a\.js"):
        naming.build(source, tmp_path / "out")


def test_hashed_files_are_kept_for_a_year_and_pages_asked_for_again(
    source: Path, tmp_path: Path
) -> None:
    """Broken: every visit loads everything, or an old page stays for a year."""
    names = naming.build(source, tmp_path / "out")
    style = served(tmp_path / "out", f"/static/{names['look.css']}")
    assert style.status == 200
    assert style.headers["content-type"] == "text/css; charset=utf-8"
    assert style.headers["cache-control"] == "public, max-age=31536000, immutable"
    page = served(tmp_path / "out", "/")
    policy = page.headers["cache-control"].split(", ")
    # Browsers ask each time; the edge may keep it for a second.
    assert {"public", "max-age=0", "s-maxage=1"} <= set(policy)
    assert page.headers["content-security-policy"].startswith("default-src 'self'")
    again = served(tmp_path / "out", "/", if_none_match=page.headers["etag"])
    assert (again.status, again.body) == (304, b"")


def test_a_site_that_was_not_built_is_served_as_it_is(source: Path) -> None:
    """Broken: working on the site needs a build for each change, or old files stick for a year."""
    answer = served(source, "/static/look.css")
    assert answer.status == 200
    assert answer.headers["cache-control"] == "no-cache"


def test_text_is_compressed_for_who_asks(source: Path, tmp_path: Path) -> None:
    """Broken: four times the bytes on the wire, or bytes that an old client cannot read."""
    names = naming.build(source, tmp_path / "out")
    path = f"/static/{names['start.js']}"
    plain = served(tmp_path / "out", path)
    packed = served(tmp_path / "out", path, accept_encoding="br, gzip")
    assert "content-encoding" not in plain.headers
    assert packed.headers["content-encoding"] == "gzip"
    assert packed.headers["vary"] == plain.headers["vary"] == "accept-encoding"
    assert gzip.decompress(packed.body) == plain.body
    assert len(packed.body) < len(plain.body)


@pytest.mark.parametrize("path", ["/nothing", "/static/", "/static/../index.html", "/../site.py"])
def test_what_is_not_there_is_a_404(source: Path, path: str) -> None:
    """Broken: files outside the site can be read, or a wrong address is an error of the server."""
    assert served(source, path).status == 404


def test_without_a_site_the_api_still_starts(tmp_path: Path) -> None:
    """Broken: the API cannot be run without the pages."""
    assert served(tmp_path / "nowhere", "/").status == 404
