"""What Redis could not be told of a write: the keys it is owed, and receipts for who wrote.

Until a process has told Redis, an old value may stand there, which its author must not see. So the
author bears a receipt (app/own_writes.py), and leaves Redis out while that is open. A process
numbers its debts; when it owes nothing any more it says so in Redis, under its name, with the
number of the last one. Every web replica can look there.
"""

import secrets
from typing import NamedTuple

_MAX = 10_000  # keys that are remembered while Redis is away


class Owed(NamedTuple):
    """The position a load of this key must have, and the mark of the write's announcement."""

    position: int
    mark: str


class Debts:
    """What this process owes, and which receipts of any process it knows to be settled."""

    def __init__(self) -> None:
        self.name = secrets.token_hex(4)
        self.owed: dict[str, Owed] = {}
        self._last = 0
        self._settled: dict[str, int] = {}  # by name: up to this number

    def add(self, keys: tuple[str, ...], position: int, mark: str) -> str:
        """Owe these too. The receipt: whose, and the how manieth."""
        if len(self.owed) + len(keys) > _MAX:
            return f"{secrets.token_hex(4)}.1"  # nobody's: it is never settled, but runs out
        for key in keys:
            self.owed[key] = Owed(max(position, self.position(key)), mark)
        self._last += 1
        return f"{self.name}.{self._last}"

    def position(self, key: str) -> int:
        """The position that a load must have because of what is owed."""
        return self.owed[key].position if key in self.owed else 0

    def told(self, key: str, owed: Owed) -> None:
        """Redis knows this; what was added meanwhile stays owed."""
        if self.owed.get(key) == owed:
            del self.owed[key]

    def to_be_said(self) -> int | None:
        """Up to which number all is settled, if Redis has not been told so."""
        open_still = self.owed or self._last == self._settled.get(self.name, 0)
        return None if open_still else self._last

    def settled(self, name: str, number: int) -> None:
        """The process of this name has settled its debts up to this number."""
        self._settled[name] = max(number, self._settled.get(name, 0))

    def is_settled(self, receipt: str) -> bool:
        """Whether it is known here that Redis was told."""
        name, _, number = receipt.partition(".")
        return self._settled.get(name, 0) >= int(number)


def name_in_redis(name: str) -> str:
    """Under which key a process says up to where it has settled."""
    return f"settled:{name}"
