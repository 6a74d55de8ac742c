"""What the files of the site promise each other. (How they are served is not their business.)"""

import re
from pathlib import Path

import pytest

SITE = Path(__file__).resolve().parents[2] / "site"
SCRIPTS = sorted(SITE.glob("*.js"))
PAGE = (SITE / "index.html").read_text(encoding="utf-8")

USED = re.compile(r'\bt\("(\w+)"|data-t(?:-label)?="(\w+)"')
COUNTED = re.compile(r'counted\("(\w+)"')
PLACES = re.compile(r"\{(\w+)\}")


def words() -> dict[str, dict[str, str]]:
    """Language → key → sentence, from the tables of `language.js`."""
    text = (SITE / "language.js").read_text(encoding="utf-8")
    tables = re.findall(r"^  (\w\w): \{\n(.*?)^  \},", text, re.MULTILINE | re.DOTALL)
    sentence = re.compile(r'\b(\w+): "((?:[^"\\]|\\.)*)"')
    return {code: dict(sentence.findall(table)) for code, table in tables}


def test_both_languages_say_the_same_things() -> None:
    """Broken: half of a page is in the other language, or a number is left out of a sentence."""
    english, korean = words()["en"], words()["ko"]
    assert len(english) > 50
    assert english.keys() == korean.keys()
    for key in english:
        assert set(PLACES.findall(english[key])) == set(PLACES.findall(korean[key])), key


def test_every_word_that_is_asked_for_is_there() -> None:
    """Broken: a page shows `log_in` instead of "Log in"."""
    known = words()["en"].keys()
    texts = [PAGE, *(script.read_text(encoding="utf-8") for script in SCRIPTS)]
    used = {key for text in texts for found in USED.findall(text) for key in found if key}
    counted = {noun for text in texts for noun in COUNTED.findall(text)}
    assert len(used) > 30
    assert used | {f"{noun}_{n}" for noun in counted for n in ("one", "other")} <= known


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.name)
def test_what_people_wrote_is_never_read_as_html(script: Path) -> None:
    """Broken: a post's title can run a script in the browser of everybody who sees it."""
    text = script.read_text(encoding="utf-8")
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(", text)


def test_the_page_works_under_a_strict_policy() -> None:
    """Broken: the page needs `unsafe-inline`, which would let injected scripts run as well."""
    assert not re.search(r"<script(?![^>]*\bsrc=)", PAGE)
    assert not re.search(r"<style|\bstyle=|\son\w+=", PAGE)
    assert not re.search(r'(?:src|href)="https?:', PAGE)


def test_every_script_is_fetched_at_once() -> None:
    """Broken: the browser finds the scripts one after another, a round trip each."""
    named = set(re.findall(r'"/static/([\w.]+\.js)"', PAGE))
    assert named == {script.name for script in SCRIPTS}
