"""Promises of `db/seed/language.py` and of the word lists."""

import re
import tomllib
from collections.abc import Iterator
from typing import Any

import pytest

from db.seed.language import PLACE_TO_FILL, WORDS, Language, Template, with_particle
from db.seed.zipf import Ranked, dice

LANGUAGES = ["en", "ko"]


def words(name: str) -> dict[str, Any]:
    """The word lists of one language, as they are written."""
    return tomllib.loads((WORDS / f"{name}.toml").read_text(encoding="utf-8"))


def templates(lists: dict[str, Any]) -> Iterator[str]:
    """All sentences with places to fill."""
    for part in (lists, *lists["topics"]):
        for key in ("titles", "openers", "closers", "sentences"):
            yield from part.get(key, [])


@pytest.mark.parametrize(
    ("word", "forms", "expected"),
    [
        ("커피", "을/를", "커피를"),
        ("책", "을/를", "책을"),
        ("동생", "이/가", "동생이"),
        ("친구", "이/가", "친구가"),
        ("만두", "은/는", "만두는"),
        ("원두", "과/와", "원두와"),
        ("떡", "과/와", "떡과"),
        ("자전거", "으로/로", "자전거로"),
        ("필름", "으로/로", "필름으로"),
        ("서울", "으로/로", "서울로"),
        ("서울", "을/를", "서울을"),
    ],
)
def test_korean_particles_fit_the_word_before_them(word: str, forms: str, expected: str) -> None:
    """Broken: every second Korean sentence reads like a machine's."""
    assert with_particle(word, forms) == expected


def test_sentences_begin_with_a_capital_and_draw_what_is_not_given() -> None:
    """Broken: "my sister bought it" begins a post, or "{when}" stands in it."""
    lists = {"when": Ranked(["yesterday"])}
    filled = Template("{thing} broke {when}.").fill({"thing": "the cup"}, lists, lambda: 0.5)
    assert filled == "The cup broke yesterday."


@pytest.mark.parametrize("name", LANGUAGES)
def test_every_place_to_fill_has_words(name: str) -> None:
    """Broken: the load dies with KeyError at the first post that draws that sentence."""
    lists = words(name)
    known = {"thing", "other", "when", "place", "person", "n"}
    for template in templates(lists):
        names = {place[1] for place in PLACE_TO_FILL.finditer(template)}
        assert names <= known, template
        assert "{" not in PLACE_TO_FILL.sub("", template), template


def test_words_before_a_korean_particle_end_in_hangul() -> None:
    """Broken: the particle after a Latin letter or a digit is a matter of luck."""
    lists = words("ko")
    things = [thing for topic in lists["topics"] for thing in topic["things"]]
    assert all(re.fullmatch(r".*[가-힣]", word) for word in [*things, *lists["person"]])
    for template in templates(lists):
        for place in PLACE_TO_FILL.finditer(template):
            assert not place[2] or place[1] in {"thing", "other", "person"}, template


@pytest.mark.parametrize("name", LANGUAGES)
def test_words_are_not_repeated(name: str) -> None:
    """Broken: a word twice in a list is twice as popular as its rank says."""
    lists = words(name)
    for part in (lists, *lists["topics"]):
        for key, values in part.items():
            if key not in {"topics", "name"}:
                assert len(values) == len(set(values)), key


@pytest.mark.parametrize("name", LANGUAGES)
def test_posts_read_like_written_by_a_person(name: str) -> None:
    """Broken: braces, double blanks or half sentences on the page; or the same sentence twice."""
    language, random = Language(name), dice(1, "test")
    for _ in range(3_000):
        title, body = language.post(random)
        assert not re.search(r"[{}]|  |을/를|은/는|이/가", title + body)
        assert title[0] == title[0].upper()
        sentences = re.split(r"(?<=[.?!]) ", body)
        assert 1 <= len(sentences) <= 4
        assert len(set(sentences)) == len(sentences)
        assert all(sentence[-1] in ".?!" for sentence in sentences)


def test_names_have_the_order_of_their_language() -> None:
    """Broken: 민준김."""
    random, ko, en = dice(1, "names"), Language("ko"), Language("en")
    korean = {ko.person(random) for _ in range(300)}
    english = {en.person(random) for _ in range(300)}
    assert any(name.startswith("김") for name in korean)
    assert all(re.fullmatch(r"[가-힣]{2,6}", name) for name in korean)
    assert all(re.fullmatch(r"[A-Z][a-z]+ ['A-Za-z ]+", name) for name in english)
