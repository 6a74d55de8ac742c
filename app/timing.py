"""What happened while one request was answered: its id, the cache's word, the statements sent.

`observe` begins a record and writes it out as `Server-Timing`; `cache` and `database` add to it
wherever the request takes them, without being handed anything.
"""

from contextvars import ContextVar
from dataclasses import dataclass, field


@dataclass(slots=True)
class Record:
    """One request. `statements` are (who answered, milliseconds)."""

    request_id: str = "-"
    cache: str | None = None
    statements: list[tuple[str, float]] = field(default_factory=list)

    def header(self) -> str | None:
        """The value of `Server-Timing` (W3C): `cache;desc=hit, db;desc=replica-1;dur=1.2`.

        Statements that the same server answered are added up.
        """
        entries = [f"cache;desc={self.cache}"] if self.cache else []
        spent: dict[str, float] = {}
        for who, ms in self.statements:
            spent[who] = spent.get(who, 0.0) + ms
        entries += [f"db;desc={who};dur={ms:.1f}" for who, ms in spent.items()]
        return ", ".join(entries) or None


_current: ContextVar[Record] = ContextVar("timing")


def begin(request_id: str) -> Record:
    """A fresh record for the request that this task answers."""
    record = Record(request_id)
    _current.set(record)
    return record


def current() -> Record:
    """The record of this task's request; outside of requests one that nobody reads."""
    return _current.get(None) or Record()
