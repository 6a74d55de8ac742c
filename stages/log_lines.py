"""Log lines of all services: what one says, whether it is asked for, and where it belongs in time.

In: a line as the engine or the log store hands it out. Out: `Line`, which sorts by `place`. A line
is written at the end of what it tells of, the hop in front writes last; so a line that says how
long something took (`seconds`, `ms`) belongs to where that began. The fields: docs/logs.md.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

# In the order of a request: of two that began in the same instant the outer one comes first.
PATH = ("edge", "edge-2", "lb", "web", "relay", "worker")
_PREFIXED = re.compile(r"(?P<container>\S+) +\| (?P<at>\d{4}-\d\d-\d\dT\S+Z) (?P<text>.*)")
_FIELD = re.compile(r"([A-Za-z_@][\w.@]*):(.+)")
# Words and signs with which a question is more than words that must all be there.
_NEEDS_THE_STORE = re.compile(r"[|(){}<>*!~]|:=|(^|\s)(or|not)(\s|$)", re.IGNORECASE)


@dataclass(frozen=True)
class Line:
    """One line: `web-1`, the moment when the engine took it, and what was printed."""

    container: str
    at: str
    text: str

    @property
    def fields(self) -> dict[str, Any]:
        """What it says, where it is JSON."""
        if not self.text.startswith("{"):
            return {}
        try:
            said = json.loads(self.text)
        except ValueError:
            return {}
        return said if isinstance(said, dict) else {}

    @property
    def place(self) -> tuple[int, int]:
        """Where it belongs: microseconds since 1970 at which its matter began, and its hop."""
        said = self.fields
        at = _microseconds(str(said.get("time", self.at))) or _microseconds(self.at)
        took_us = _number(said.get("seconds")) * 1_000_000 + _number(said.get("ms")) * 1000
        service = self.container.rpartition("-")[0]
        hop = PATH.index(service) if service in PATH else len(PATH)
        return at - round(took_us), hop

    def __str__(self) -> str:
        return f"{self.container:<10} | {self.text}"


def of_engine(printed: str) -> Line | None:
    """A line of `docker compose logs --timestamps`; None for what is none."""
    found = _PREFIXED.match(printed)
    return Line(found["container"], found["at"], found["text"]) if found else None


def of_request(lines: Iterable[Line], request: str) -> list[Line]:
    """Return one request's lines, in order of time."""
    return in_order(one for one in lines if one.fields.get("request_id") == request)


def in_order(lines: Iterable[Line]) -> list[Line]:
    """Return the lines of all services in order of time."""
    return sorted(lines, key=lambda line: line.place)


def matches(line: Line, words: list[str]) -> bool:
    """Whether every word is in the line; a word `field:value` is that field's whole value."""
    for word in words:
        found = _FIELD.fullmatch(word)
        if found and found[1] in line.fields:
            if str(line.fields[found[1]]) != found[2]:
                return False
        elif word.lower() not in line.text.lower():
            return False
    return True


def needs_the_store(question: str) -> bool:
    """Whether a question is more than words: LogsQL, which only the store understands."""
    return bool(_NEEDS_THE_STORE.search(re.sub(r'"[^"]*"', "", question)))


def _microseconds(moment: str) -> int:
    """0 for what is no moment."""
    try:
        when = datetime.fromisoformat(moment)
    except ValueError:
        return 0
    if when.tzinfo is None:
        when = when.replace(tzinfo=UTC)
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    since = when - epoch
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def _number(said: object) -> float:
    return float(said) if isinstance(said, int | float) else 0.0
