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

    def header(self, name: str) -> bytes:
        """The value of `Server-Timing` (W3C), with all that this box, `name`, knows.

        `cache;desc=miss, redis;dur=0.6, db;desc=replica-1;dur=1.2, app;desc=web-1;dur=4.9`: the
        last is the whole time in the application, the ones before are parts of it. Statements that
        the same server answered are added up.
        """
        whole = (time.perf_counter() - self.began) * 1000
        return _server_timing(
            self.cache,
            None if self.redis is None else int(self.redis * 10 + 0.5),
            self._spent() if self.statements else (),
            self.job,
            (name, int(whole * 10 + 0.5)),
        )

    def _spent(self) -> tuple[tuple[str, int], ...]:
        spent: dict[str, float] = {}
        for who, ms in self.statements:
            spent[who] = spent.get(who, 0.0) + ms
        return tuple((who, int(ms * 10 + 0.5)) for who, ms in spent.items())


@lru_cache(maxsize=4096)
def _server_timing(
    cache: str | None,
    redis: int | None,
    spent: tuple[tuple[str, int], ...],
    job: str | None,
    app: tuple[str, int],
) -> bytes:
    """Kept, since many answers say the same; the times are tenths of milliseconds."""
    told = [f"cache;desc={cache}"] if cache else []
    if redis is not None:
        told.append(f"redis;dur={redis / 10:.1f}")
    told += [f"db;desc={who};dur={ms / 10:.1f}" for who, ms in spent]
    if job:
        told.append(f'job;desc="{job}"')
    told.append(f"app;desc={app[0]};dur={app[1] / 10:.1f}")
    return ", ".join(told).encode("ascii", "replace")


_current: ContextVar[Record] = ContextVar("timing")


def begin(request_id: bytes) -> Record:
    """A fresh record for the request that this task answers."""
    record = Record(request_id)
    _current.set(record)
    return record


def current() -> Record:
    """The record of this task's request; outside of requests one that nobody reads."""
    return _current.get(None) or Record()
