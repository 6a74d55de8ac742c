"""Everything that can be set, from the environment, read here and nowhere else.

The app never asks which stage it is in: an address that is not set (or empty) is a part that is not
there. Without `CACHE_URL` nothing is cached, without `REPLICA_DSN` the primary serves the reads,
without `BROKER_URL` a job is done inside the request that caused it.
"""

from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, UrlConstraints, model_validator
from pydantic_core import Url
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict


def _split(given: object) -> object:
    return given.split(",") if isinstance(given, str) else given


def _pairs(given: object) -> object:
    return dict(one.split("=", 1) for one in given.split(",")) if isinstance(given, str) else given


type RedisUrl = Annotated[Url, UrlConstraints(allowed_schemes=["redis", "rediss"])]
type AmqpUrl = Annotated[Url, UrlConstraints(allowed_schemes=["amqp", "amqps"])]
type SmtpUrl = Annotated[Url, UrlConstraints(allowed_schemes=["smtp", "smtps"], default_port=25)]
type Port = Annotated[int, Field(ge=0, le=65535)]
type Positive = Annotated[float, Field(gt=0)]
# "5,30,120": seconds, at least one.
type Ladder = Annotated[
    tuple[Positive, ...], NoDecode, BeforeValidator(_split), Field(min_length=1, max_length=9)
]
# "this=5,that=1".
type Shares = Annotated[
    dict[str, Annotated[int, Field(ge=0, le=1000)]], NoDecode, BeforeValidator(_pairs)
]


class Settings(BaseSettings):
    """All settings of all processes; each process uses the ones of the parts it has.

    Raises:
        pydantic.ValidationError: a value is not usable; names the setting.
    """

    model_config = SettingsConfigDict(env_ignore_empty=True, frozen=True)

    # The parts. A DSN is handed to libpq as it is, so it may name several hosts.
    primary_dsn: str = Field(pattern=r"^postgresql\+psycopg://")
    replica_dsn: str | None = Field(default=None, pattern=r"^postgresql\+psycopg://")
    cache_url: RedisUrl | None = None
    broker_url: AmqpUrl | None = None
    smtp_url: SmtpUrl | None = None

    # Listeners. The second port is for the balancer and Prometheus, never for the public.
    public_port: Port = 8000
    ops_port: Port = 9000
    # True where visitors come without a proxy (stage 1): an id that a request brings is then not
    # believed, and what proxies tell of an answer is told by the app (app/observe.py).
    is_entry: bool = False

    # Stands in log lines; nothing else depends on it.
    stage: str = ""
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    # One line a request; a proxy in front of this writes one as well.
    access_log: bool = True

    # Newest first: the first key signs, all are accepted, so a key can be replaced without logging
    # anybody out. Split at commas.
    session_keys: str | None = None
    session_max_age_s: int = 7 * 24 * 3600
    # True where the public entry speaks https; a browser then never sends the cookie in the clear.
    session_cookie_secure: bool = False

    # Pools. Each web replica may hold `db_pool_size` connections to the primary for writes and,
    # when every replica of the database is gone, as many again for reads, and one that watches:
    # 8 + 8 + 1 = 17. Six replicas and a seventh during a deploy: 119. With 18 for two workers and
    # the relay, 8 for migration and monitoring, and the 3 that PostgreSQL keeps for its owner: 148
    # of `max_connections` 150.
    # More would not be faster: a database with a share of one core works on few statements at once.
    db_pool_size: int = Field(default=8, ge=1)
    # How long a request waits for a connection before it is refused with 503.
    db_pool_wait_s: Positive = 1.0
    # A reader's connection is renewed after this time, so that a primary that stood in is relieved
    # also when nobody noticed that a replica came back.
    db_reader_max_age_s: int = 60
    # A replica that is further behind is not asked. Below `own_writes_s` and the life of a
    # tombstone (app/entries.py), which may be forgotten once every replica in use has the write.
    db_replica_lag_max_s: Positive = 5.0

    # The database's rungs of the timeout ladder, below the app's own patience with a request.
    db_connect_timeout_s: int = Field(default=2, ge=2)  # libpq knows no shorter one
    db_statement_timeout_ms: int = Field(default=2000, ge=1)
    db_lock_timeout_ms: int = Field(default=1000, ge=1)

    # Requests that a process has in hand at a time; the next is turned away at once, with 503. At a
    # fifth of a core an uncached read takes some 10 ms: the last of 100 waits a second, and who
    # came later would only make everybody wait longer (Little's law).
    in_flight_max: int = Field(default=100, ge=1)

    # For this time a member's reads follow their own write. Longer than `db_replica_lag_max_s` and
    # the two seconds in which a process notices that a replica is further behind.
    own_writes_s: int = 15
    # ... and this long if Redis could not be told of the write: longer than it is likely away.
    own_writes_untold_s: int = 600

    # Cache. A hit takes under a millisecond. Redis has this long to answer before it is left alone.
    cache_timeout_s: Positive = 0.05
    # After a failure Redis is left alone, so that one request pays the deadline, not each: for a
    # sixteenth of this time at first, for longer as long as it fails (app/circuit.py).
    cache_pause_s: Positive = 1.0
    # Who finds that another process is loading waits so long for its value, then loads as well.
    cache_wait_s: Positive = 2.0
    # Single flight. False: who finds that another one is loading does not wait, and loads as well.
    cache_one_loader: bool = True
    # A life is longer or shorter by at most this share of it, by chance: what was filled together
    # does not expire together.
    cache_ttl_jitter: float = Field(default=0.1, ge=0, lt=1)
    cache_user_ttl_s: int = 3600
    # A post's views and its author's name may be so old: no write forgets them.
    cache_post_ttl_s: int = 900
    cache_popular_ttl_s: int = 300
    # First pages of posts: of all, and of one member. A new post, or an author's new name, is seen
    # at once; a view by then.
    cache_page_ttl_s: int = 300
    cache_member_page_ttl_s: int = 3600  # as the profile beside which it is shown
    # Later pages: nothing but time makes them new.
    cache_later_page_ttl_s: int = 60
    # How long a session that was logged out everywhere may go on if Redis could not be told.
    cache_session_ttl_s: int = 60
    # How long it is remembered that an id does not exist; 0: not at all.
    cache_absent_ttl_s: int = Field(default=10, ge=0)
    # With a cache, views are gathered in it and written every `views_flush_s`. False: each view is
    # a statement, as it is without a cache.
    views_batched: bool = True
    views_flush_s: Positive = 2.0

    # Argon2id, the minimum of OWASP's Password Storage Cheat Sheet: 19 MiB, two passes, one lane.
    argon2_memory_kib: int = 19_456
    argon2_passes: int = 2
    argon2_lanes: int = 1
    # Hashes at a time in one process: each holds its 19 MiB and a core.
    argon2_threads: int = 2
    # ... and in hand or waiting: at a fifth of a core, 0.1 s each, the last one waits about 3 s.
    argon2_in_hand: int = 32

    mail_from: str = "Sluice <welcome@sluice.example>"
    # A connection to the mail server; and then the whole conversation. Together they stay below the
    # 15 s that a transaction may take, and the conversation below the 10 s that it may do nothing.
    smtp_timeout_s: Positive = 5.0
    # How a mail is protected on its way: `smtps://` is TLS from the first byte; with `smtp://` this
    # asks for STARTTLS, and without it no mail is sent. Login: user and password in the address,
    # which never travel in the clear. `smtp_ca_file` replaces the system's authorities.
    smtp_starttls: bool = False
    smtp_ca_file: str | None = None
    # How long a request without a broker waits for its own job.
    job_in_request_s: Positive = 8.0
    # Jobs that one process does inside requests at a time; each holds a connection to the primary.
    jobs_in_requests: int = 2

    # How many jobs of a kind one worker does at a time ("welcome_email=4,…"; 0: it leaves them to
    # others), and how many the broker hands it ahead. Defaults: `topology.KINDS`, and not one ahead
    # of what it does, because they would wait here instead of in a worker that is free.
    worker_at_a_time: Shares = {}
    worker_prefetch: Shares = {}
    # Processes of one worker for jobs that compute, and how long one may: longer, and it is killed.
    worker_processes: int = Field(default=1, ge=1, le=16)
    worker_compute_s: Positive = 30.0
    # What a job waits after its first, second, … try that failed, each give or take 30 % by chance:
    # five tries in ten minutes. After the last one it is put with the dead.
    job_retry_s: Ladder = (5.0, 30.0, 120.0, 450.0)
    relay_batch: int = Field(default=100, ge=1, le=1000)
    # How long a sent job stays in the outbox, to look back at; and how long the workers remember
    # what they did, which is how late a copy of a done job may be replayed and still be known.
    outbox_keep_hours: Positive = 24.0
    handled_keep_days: Positive = 90.0

    # SIGTERM: this long `/readyz` says no while requests are still served, then the port is closed.
    drain_s: float = Field(default=1.0, ge=0)
    # ... this long at most connections that are open are still served. Longer than a proxy keeps an
    # idle one (keepalive_timeout in nginx/snippets): so it is always the proxy that closes it.
    linger_s: float = Field(default=5.0, ge=0)
    # ... and this long the requests in hand may take.
    shutdown_s: int = 10

    # Pictures that one process receives at a time: each holds up to 5 MiB three times over, in the
    # request, as a value and on its way to the database. The next one is asked to come again (503).
    uploads_in_hand: int = Field(default=4, ge=1)
    # A picture comes in within this time, so that slow senders do not hold the places.
    upload_s: Positive = 10.0

    site_root: str = "site"

    @property
    def most_connections(self) -> int:
        """What this process may hold of the primary's `max_connections`; `make scale` asks."""
        return 2 * self.db_pool_size + 1 if self.replica_dsn else self.db_pool_size

    @model_validator(mode="after")
    def _no_password_in_the_clear(self) -> Self:
        url = self.smtp_url
        if url and url.username and url.scheme == "smtp" and not self.smtp_starttls:
            raise ValueError("smtp_url has a password: use smtps://, or set smtp_starttls")
        return self


def load() -> Settings:
    """The settings of this process."""
    return Settings()  # the fields come from the environment
