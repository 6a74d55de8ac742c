"""The bottlenecks that the drill plants, and whom the doctor must then name first.

Each is a mistake or a size that people really have; everything else has room. In the order of the
stages, since a move between two of them takes longest.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import dataclass, field

from doctor.stack import SLOW_MAIL, Settings, Stack

REPLICAS = ("replica-1", "replica-2")
# A crowd that signs up and writes five times as often: more jobs.
BUSY = {"WRITES": "0.1"}


@dataclass(frozen=True)
class Case:
    """One bottleneck: where, how, under which crowd; `named` is (part, service), or nothing."""

    name: str
    about: str
    stage: str
    plant: Callable[[Stack], AbstractContextManager[object]]
    named: tuple[str, str] | None
    users: int = 50
    settings: Settings = field(default_factory=dict)
    crowd: Settings = field(default_factory=dict)


def cpus(service: str, share: str) -> Callable[[Stack], AbstractContextManager[object]]:
    """Give a service this share of a core."""
    return lambda stack: stack.cpus(service, share)


def slow_mail(slow_s: float) -> Callable[[Stack], AbstractContextManager[object]]:
    """Let each mail take so long."""
    return lambda stack: stack.slow_mail(slow_s)


def slow_commits(stack: Stack) -> AbstractContextManager[object]:
    """Commits as on a far disk: 0.1 s without CPU. Eight connections bear it, one does not."""
    return stack.postgres_set(commit_delay="100000", commit_siblings="0")


@contextmanager
def no_index(stack: Stack) -> Iterator[None]:
    """Drop the index of the ten most viewed posts."""
    definition = stack.sql("SELECT pg_get_indexdef('posts_views_id_idx'::regclass)").strip()
    try:
        stack.sql("DROP INDEX posts_views_id_idx")
        yield
    finally:
        stack.sql(definition.replace("CREATE INDEX", "CREATE INDEX IF NOT EXISTS", 1))


def held_row(stack: Stack) -> AbstractContextManager[object]:
    """A session that holds the row of post 1 for 0.7 s, again and again: whoever does not come from
    a list reads this one, and counts a view in it.
    """
    return stack.session("""
        DO $$ BEGIN LOOP
            UPDATE posts SET title = title WHERE id = 1; PERFORM pg_sleep(0.7);
            COMMIT; PERFORM pg_sleep(0.05);
        END LOOP; END $$
    """)


@contextmanager
def no_replay(stack: Stack) -> Iterator[None]:
    """Both replicas take what the primary sends and do not replay it."""
    with ExitStack() as resumed:
        for replica in REPLICAS:
            resumed.callback(stack.sql, "SELECT pg_wal_replay_resume()", replica)
            stack.sql("SELECT pg_wal_replay_pause()", replica)
        yield


@contextmanager
def little_redis(stack: Stack) -> Iterator[None]:
    """Leave Redis 200 kB for values."""
    before = stack.inside("redis", "redis-cli", "CONFIG", "GET", "maxmemory").split()[-1]
    told = stack.inside("redis", "redis-cli", "INFO", "memory").splitlines()
    used = next(int(line.split(":")[1]) for line in told if line.startswith("used_memory:"))
    try:
        stack.inside("redis", "redis-cli", "CONFIG", "SET", "maxmemory", str(used + 200_000))
        yield
    finally:
        stack.inside("redis", "redis-cli", "CONFIG", "SET", "maxmemory", before)


def nothing(_: Stack) -> AbstractContextManager[object]:
    """Leave all as it is."""
    return nullcontext()


CASES = (
    Case("pool", "DB_POOL_SIZE=1, commits of 0.1 s", "1", slow_commits, ("pool", "web"),
         settings={"DB_POOL_SIZE": "1"}),
    Case("idle", "nothing, and no crowd", "2", nothing, None, users=0),
    Case("web-cpu", "replicas of 0.03 core", "2", cpus("web", "0.03"), ("cpu:web", "web"),
         users=120),
    Case("db-cpu", "a primary of 0.05 core", "2", cpus("primary", "0.05"),
         ("cpu:primary", "primary"), users=100),
    Case("lb-cpu", "a balancer of 0.01 core", "2", cpus("lb", "0.01"), ("cpu:lb", "lb")),
    Case("index", "the index of popular posts dropped", "2", no_index, ("index", "primary")),
    Case("lock", "a session holds the row of a hot post", "2", held_row, ("lock", "primary"),
         users=100, crowd={"SEED_POSTS": "1"}),
    Case("replica-lag", "replay paused on both replicas", "3", no_replay,
         ("replication", "replica-?")),
    Case("redis-memory", "200 kB for cached values", "4", little_redis, ("redis-memory", "redis")),
    Case("redis-cpu", "a Redis of 0.01 core", "4", cpus("redis", "0.01"), ("cpu:redis", "redis")),
    Case("smtp", "a mail server that takes 2 s", "4", slow_mail(2), ("smtp", "mail"),
         settings=SLOW_MAIL, crowd=BUSY),
    Case("generator", "250 users from 0.1 core", "5", nothing, ("generator", "locust"), users=250,
         crowd={"LOCUST_CPUS": "0.1"}),
    Case("worker-cpu", "a worker of 0.01 core", "5", cpus("worker", "0.01"),
         ("cpu:worker", "worker"), crowd=BUSY),
    Case("worker-hands", "one mail at a time, 3 s each", "5", slow_mail(3), ("queue", "worker"),
         users=80, settings={**SLOW_MAIL, "WORKER_AT_A_TIME": "welcome_email=1"}, crowd=BUSY),
)  # fmt: skip
