"""What happened while one request was answered: its id, the cache's word, the statements sent.

`observe` begins a record and writes it out as `Server-Timing`; `cache`, `database` and `outbox` add
to it wherever the request takes them, without being handed anything.
"""

import time
from contextvars import ContextVar
from dataclasses import dataclass, field


@dataclass(slots=True)
class Record:
    """One request. `statements` are (who answered, milliseconds); `redis` is milliseconds.

    `job` is the job that the request caused, and what became of it: queued, done, or left.
    """

    request_id: str = "-"
    cache: str | None = None
    redis: float | None = None
    statements: list[tuple[str, float]] = field(default_factory=list)
    job: str | None = None
    began: float = field(default_factory=time.perf_counter)

    def asked_redis(self, ms: float) -> None:
        """Add the time of one question to Redis."""
        self.redis = (self.redis or 0.0) + ms

    def header(self, name: str) -> str:
        """The value of `Server-Timing` (W3C), with all that this box, `name`, knows.

        `cache;desc=miss, redis;dur=0.6, db;desc=replica-1;dur=1.2, app;desc=web-1;dur=4.9`: the
        last is the whole time in the application, the ones before are parts of it. Statements that
        the same server answered are added up.
        """
        told = f"cache;desc={self.cache}, " if self.cache else ""
        if self.redis is not None:
            told += f"redis;dur={self.redis:.1f}, "
        if self.statements:
            spent: dict[str, float] = {}
            for who, ms in self.statements:
                spent[who] = spent.get(who, 0.0) + ms
            told += "".join(f"db;desc={who};dur={ms:.1f}, " for who, ms in spent.items())
        if self.job:
            told += f'job;desc="{self.job}", '
        whole = (time.perf_counter() - self.began) * 1000
        return f"{told}app;desc={name};dur={whole:.1f}"


_current: ContextVar[Record] = ContextVar("timing")


def begin(request_id: str) -> Record:
    """A fresh record for the request that this task answers."""
    record = Record(request_id)
    _current.set(record)
    return record


def current() -> Record:
    """The record of this task's request; outside of requests one that nobody reads."""
    return _current.get(None) or Record()
