"""What a rule finds: one resource, how busy it is, and what that stands on."""

from __future__ import annotations

from dataclasses import dataclass

FULL = 1.0  # of `pressure`: the resource is at its limit
NEAR = 0.85


@dataclass(frozen=True)
class Finding:
    """One resource in the last minutes.

    `part` is what causes name (verdict.py). `busy` is the utilisation of the USE method, a share of
    the limit, where it has one. `pressure` compares all of them: 1 and above is at the limit.
    `signs` says how many independent observations say so: busy, and somebody waiting for it.
    """

    part: str
    resource: str
    service: str
    pressure: float
    evidence: tuple[str, ...]
    next_step: str
    busy: float | None = None
    signs: int = 1

    @property
    def is_full(self) -> bool:
        """Whether it is at its limit."""
        return self.pressure >= FULL

    @property
    def name(self) -> str:
        """Return it for a person: `CPU of primary`."""
        return f"{self.resource} of {self.service}"


def told(*facts: tuple[object, str]) -> tuple[str, ...]:
    """Return the words of the facts that hold."""
    return tuple(words for holds, words in facts if holds)


def seconds(value: float) -> str:
    """`1.2 s`, `35 ms` or `0.4 ms`."""
    if value >= 1:
        return f"{value:.1f} s"
    return f"{value * 1000:.{1 if value < 0.01 else 0}f} ms"  # noqa: PLR2004 # two digits that count
