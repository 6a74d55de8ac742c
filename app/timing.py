"""What happened while one request was answered: its id, the cache's word, the statements sent.

`observe` begins a record and writes it out as `Server-Timing`; `cache`, `database` and `outbox` add
to it wherever the request takes them, without being handed anything.
"""

import time
from contextvars import ContextVar


class Record:
    """One request. `statements` are (who answered, milliseconds); `redis` is milliseconds.

    `job` is the job that the request caused, and what became of it: queued, done, or left.
    What `observe` knows of it at its end: `route` is the template of its path, `seconds` the time
    it took. (A dataclass would take three times as long to make, once for each request.)
    """

    __slots__ = (
        *("request_id", "began", "cache", "redis", "statements", "job"),
        *("method", "path", "route", "status", "seconds"),
    )
    method: str
    path: str
    route: str
    seconds: float

    def __init__(self, request_id: str = "-") -> None:
        self.request_id = request_id
        self.began = time.perf_counter()
        self.cache: str | None = None
        self.redis: float | None = None
        self.statements: tuple[tuple[str, float], ...] = ()
        self.job: str | None = None
        self.status = 0

    def asked_database(self, who: str, ms: float) -> None:
        """Add a statement."""
        self.statements = (*self.statements, (who, ms))

    def asked_redis(self, ms: float) -> None:
        """Add the time of one question to Redis."""
        self.redis = (self.redis or 0.0) + ms

    def header(self, name: bytes) -> bytes:
        """The value of `Server-Timing` (W3C), with all that this box, `name`, knows.

        `cache;desc=miss, redis;dur=0.6, db;desc=replica-1;dur=1.2, app;desc=web-1;dur=4.9`: the
        last is the whole time in the application, the ones before are parts of it. Statements that
        the same server answered are added up.
        """
        told = b"cache;desc=%b, " % self.cache.encode("ascii") if self.cache else b""
        if self.redis is not None:
            told += b"redis;dur=%.1f, " % self.redis
        if self.statements:
            spent: dict[str, float] = {}
            for who, ms in self.statements:
                spent[who] = spent.get(who, 0.0) + ms
            for who, ms in spent.items():
                told += b"db;desc=%b;dur=%.1f, " % (who.encode("ascii", "replace"), ms)
        if self.job:
            told += b'job;desc="%b", ' % self.job.encode("ascii", "replace")
        whole = (time.perf_counter() - self.began) * 1000
        return b"%bapp;desc=%b;dur=%.1f" % (told, name, whole)


_current: ContextVar[Record] = ContextVar("timing")


def begin(request_id: str) -> Record:
    """A fresh record for the request that this task answers."""
    record = Record(request_id)
    _current.set(record)
    return record


def current() -> Record:
    """The record of this task's request; outside of requests one that nobody reads."""
    return _current.get(None) or Record()
