"""What happened while one request was answered: its id, the cache's word, the statements sent.

`observe` begins a record and writes it out as `Server-Timing`; `cache`, `database` and `outbox` add
to it wherever the request takes them, without being handed anything.
"""

import time
from contextvars import ContextVar
from functools import lru_cache

# What many requests have in common: method, template of the path, status, and the cache's word.
type Kind = tuple[str, str, int, str | None]


class Record:
    """One request. `id` is as headers and log lines carry it, in ASCII. `statements` are (who
    answered, milliseconds); `redis` is milliseconds.

    `job` is the job that the request caused, and what became of it: queued, done, or left.
    What `observe` knows at its end: its `kind`, and the `seconds` that it took. (A dataclass would
    take three times as long to make, once for each request.)
    """

    __slots__ = (
        *("id", "began", "cache", "redis", "statements", "job"),
        *("kind", "path", "status", "seconds"),
    )
    kind: Kind
    path: str
    seconds: float

    def __init__(self, request_id: bytes = b"-") -> None:
        self.id = request_id
        self.began = time.perf_counter()
        self.cache: str | None = None
        self.redis: float | None = None
        self.statements: tuple[tuple[str, float], ...] = ()
        self.job: str | None = None
        self.status = 0

    @property
    def request_id(self) -> str:
        """`id`, for whoever writes text."""
        return self.id.decode("ascii")

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
        redis = None if self.redis is None else int(self.redis * 10 + 0.5)
        told = _told_first(self.cache, redis)
        if self.statements:
            spent: dict[str, float] = {}
            for who, ms in self.statements:
                spent[who] = spent.get(who, 0.0) + ms
            for who, ms in spent.items():
                told += b"db;desc=%b;dur=%b, " % (_plain(who), _written(int(ms * 10 + 0.5)))
        if self.job:
            told += b'job;desc="%b", ' % _plain(self.job)
        whole = int((time.perf_counter() - self.began) * 10_000 + 0.5)
        return b"".join((told, b"app;desc=", name, b";dur=", _written(whole)))


def _plain(text: str) -> bytes:
    return text.encode("ascii", "replace")


@lru_cache(maxsize=1000)
def _written(tenths: int) -> bytes:
    """Milliseconds with one digit behind the point. Kept, since many are alike."""
    return b"%d.%d" % divmod(tenths, 10)


@lru_cache(maxsize=1000)
def _told_first(cache: str | None, redis: int | None) -> bytes:
    """The part for the cache's word and Redis' time, in tenths of milliseconds. Kept: most answers
    have one, and no other part than the last.
    """
    told = b"cache;desc=%b, " % _plain(cache) if cache else b""
    return told if redis is None else told + b"redis;dur=%b, " % _written(redis)


class _Unread(Record):
    """Of what no request caused: nobody reads it, so nothing is gathered."""

    __slots__ = ()

    def asked_database(self, who: str, ms: float) -> None:
        """Nothing."""

    def asked_redis(self, ms: float) -> None:
        """Nothing."""


_NOBODYS = _Unread()
_current: ContextVar[Record] = ContextVar("timing", default=_NOBODYS)
# The record of this task's request; outside of requests one that nobody reads.
current = _current.get


def begin(request_id: bytes) -> Record:
    """A fresh record for the request that this task answers."""
    record = Record(request_id)
    _current.set(record)
    return record
