"""What happened while one request was answered: its id, the cache's word, the statements sent.

`observe` begins a record and writes it out as `Server-Timing`; `cache`, `database` and `outbox` add
to it wherever the request takes them, without being handed anything.
"""

import time
from contextvars import ContextVar

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
        told = _TOLD_FIRST[self.cache, redis]
        if self.statements:
            spent: dict[str, float] = {}
            for who, ms in self.statements:
                spent[who] = spent.get(who, 0.0) + ms
            for who, ms in spent.items():
                told += b"db;desc=%b;dur=%b, " % (_plain(who), _WRITTEN[int(ms * 10 + 0.5)])
        if self.job:
            told += b'job;desc="%b", ' % _plain(self.job)
        whole = int((time.perf_counter() - self.began) * 10_000 + 0.5)
        return b"".join((told, b"app;desc=", name, b";dur=", _WRITTEN[whole]))


def _plain(text: str) -> bytes:
    return text.encode("ascii", "replace")


class _Written(dict[int, bytes]):
    """Milliseconds with one digit behind the point, by their tenths: many are alike, and to look
    one up takes a fifth of the time of writing it.
    """

    def __missing__(self, tenths: int) -> bytes:
        written = b"%d.%d" % divmod(tenths, 10)
        if tenths < _KEPT_BELOW:
            self[tenths] = written
        return written


class _ToldFirst(dict[tuple[str | None, int | None], bytes]):
    """The part for the cache's word and Redis' time, in tenths of milliseconds: most answers have
    one, and no other part than the last.
    """

    def __missing__(self, key: tuple[str | None, int | None]) -> bytes:
        word, redis = key
        told = b"cache;desc=%b, " % _plain(word) if word else b""
        told += b"" if redis is None else b"redis;dur=%b, " % _WRITTEN[redis]
        if redis is None or redis < _KEPT_BELOW:
            self[key] = told
        return told


_KEPT_BELOW = 1000  # tenths: what takes longer is rare
_WRITTEN = _Written()
_TOLD_FIRST = _ToldFirst()


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
