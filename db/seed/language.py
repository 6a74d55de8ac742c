"""Names, titles and texts in one language, from `words/NAME.toml`.

A sentence there has places to fill: "{thing}을/를 {when} 샀어요." A Korean particle is written in
both its forms, as in textbooks, and the one that fits the word before it stays.
"""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from db.seed.zipf import Dice, Ranked

WORDS = Path(__file__).parent / "words"
PLACE_TO_FILL = re.compile(r"\{(\w+)\}(은/는|이/가|을/를|과/와|으로/로)?")
SENTENCES_PER_POST = Ranked((2, 3, 1, 4), shift=2)
SHARE_OF_OPENERS = 0.4
SHARE_OF_CLOSERS = 0.5


@dataclass(frozen=True)
class Topic:
    """What one post is about: its things, and what is said of them."""

    things: Ranked[str]
    titles: Ranked[Template]
    sentences: Ranked[Template]


class Template:
    """A sentence with places to fill, taken apart once and filled many times."""

    def __init__(self, text: str) -> None:
        """Take apart: literal, name, particle, literal, name, particle, …, literal."""
        literals = PLACE_TO_FILL.split(text)
        self._begin = literals[0]
        self._rest = list(zip(literals[1::3], literals[2::3], literals[3::3], strict=True))
        self.names = {name for name, _, _ in self._rest}

    def fill(self, words: Mapping[str, str], lists: Mapping[str, Ranked[str]], random: Dice) -> str:
        """Put in the word of that name, or one drawn from the list of that name."""
        text = self._begin
        for name, particle, literal in self._rest:
            word = words.get(name) or lists[name].draw(random)
            text += with_particle(word, particle) + literal if particle else word + literal
        return text[0].upper() + text[1:]


def with_particle(word: str, forms: str) -> str:
    """Append the particle that fits: 커피를, 원두를, 책을; 로 also follows ㄹ (서울로).

    `forms` is "after a consonant/after a vowel". The word must end in a Hangul syllable.
    """
    after_consonant, after_vowel = forms.split("/")
    final = (
        ord(word[-1]) - ord("가")
    ) % 28  # Unicode orders syllables by their final consonant; 0 is none, 8 is ㄹ
    is_vowel = final == 0 or (final == 8 and after_vowel == "로")  # noqa: PLR2004
    return word + (after_vowel if is_vowel else after_consonant)


class Language:
    """One language: draws a person's name, and a post's title and body."""

    def __init__(self, name: str) -> None:
        """Read the word lists."""
        words = tomllib.loads((WORDS / f"{name}.toml").read_text(encoding="utf-8"))
        self._family_first = "family_names" in words
        self._given_names = Ranked[str](
            words["given_names" if self._family_first else "first_names"], shift=8
        )
        self._family_names = Ranked[str](
            words["family_names" if self._family_first else "last_names"], shift=0.5
        )
        self._lists = {
            key: Ranked[str](words[key], shift=2) for key in ("when", "place", "person", "n")
        }
        self._openers, self._closers = _templates(words["openers"]), _templates(words["closers"])
        self.topics = Ranked([_topic(topic, words["titles"]) for topic in words["topics"]], shift=4)

    def person(self, random: Dice) -> str:
        """Return a full name, family name first in Korean."""
        family, given = self._family_names.draw(random), self._given_names.draw(random)
        return family + given if self._family_first else f"{given} {family}"

    def post(self, random: Dice) -> tuple[str, str]:
        """Return a title and a body of one to four sentences about the same thing."""
        topic = self.topics.draw(random)
        thing = other = topic.things.draw(random)
        while other == thing:
            other = topic.things.draw(random)
        words = {"thing": thing, "other": other}

        count = SENTENCES_PER_POST.draw(random)
        templates = []
        if count > 1 and random() < SHARE_OF_OPENERS:
            templates.append(self._openers.draw(random))
        closers = (
            [self._closers.draw(random)]
            if count > len(templates) + 1 and random() < SHARE_OF_CLOSERS
            else []
        )
        while len(templates) + len(closers) < count:
            template = topic.sentences.draw(random)
            if template not in templates:
                templates.append(template)
        title = topic.titles.draw(random).fill(words, self._lists, random)
        return title, " ".join(
            template.fill(words, self._lists, random) for template in templates + closers
        )


def _templates(texts: list[str]) -> Ranked[Template]:
    return Ranked([Template(text) for text in texts], shift=6)


def _topic(topic: Mapping[str, Any], common_titles: list[str]) -> Topic:
    # Alternating, so that the topic's own titles are as popular as the common ones.
    own = topic["titles"]
    titles = [
        title for pair in zip(own, common_titles, strict=False) for title in pair
    ] + common_titles[len(own) :]
    return Topic(
        Ranked(topic["things"], shift=2), _templates(titles), _templates(topic["sentences"])
    )
