"""What the databases are asked: one statement a read, and never a walk through a table.

The statements are taken from the servers' own record (pg_stat_statements), not from the code: what
is checked is what was really asked. EXPLAIN (GENERIC_PLAN) plans them with their parameters open.
"""

from __future__ import annotations

import itertools
import json
import subprocess
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import httpx
import pytest

from tests.system.stack import container, redis, server_timing, sign_up, sql
from tests.system.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.usefixtures("stage_5")

SERVERS = ("primary", "replica-1", "replica-2")
TIMES = 20

# Reads that may reach a database, with an address of its own for each request: nothing is cached.
READS = {
    "a profile": "/api/users/{}",
    "a post": "/api/posts/{}",
    "newest posts": "/api/posts?limit=7&n={}",
    "newest posts of one": "/api/users/{}/posts",
}

# What only members ask, and the table by whose name the statement is known.
OWN_READS = {
    "notifications": ("/api/notifications", "notifications"),
    "following": ("/api/users/me/following/7", "follows"),
    "a job": ("/api/jobs/01900000-0000-7000-8000-000000000000", "uploads"),
    "a picture": (f"/media/avatars/{'0' * 32}-64.webp?{{}}", "avatars"),
}

# What is answered from Redis, under which key. The edge has a copy of a list for a second, and asks
# on for an address that it has not seen.
CACHED = {
    "user:6007": "/api/users/6007",
    "newest:all": "/api/posts?n={}",
    "newest_of:6007": "/api/users/6007/posts?n={}",
}

# Questions that come again and again: an address that asks a database, and the values of a visitor
# who asks once more.
NEWEST = 2**63 - 1
HOT = {
    "a profile": ("/api/users/{}", "(6007)"),
    "newest posts": ("/api/posts?limit=7&n={}", f"({NEWEST}, 8)"),
    "newest posts of one": ("/api/users/6007/posts?limit=7&n={}", f"(6007, {NEWEST}, 8)"),
}
strangers = itertools.count(12_001)

# The community's own reads: not health checks, the exporter's questions, or what counts views.
OURS = """
    query ~ 'FROM (users|posts)' AND query !~ 'pg_stat|pg_class|EXPLAIN|UPDATE|COPY|TRUNCATE'
"""


def forget() -> None:
    """Empty the servers' record of statements."""
    for server in SERVERS:
        sql("SELECT pg_stat_statements_reset()", server)


def asked(about: str = OURS) -> dict[str, int]:
    """Return the statements that the servers were asked since, and how often."""
    calls: dict[str, int] = {}
    for server in SERVERS:
        rows = sql(
            "SELECT calls, translate(query, E'\\n|', '  ') FROM pg_stat_statements "
            f"WHERE dbid = (SELECT oid FROM pg_database WHERE datname = 'sluice') AND {about}",
            server,
        )
        for row in rows.splitlines():
            number, query = row.split("|", 1)
            calls[query] = calls.get(query, 0) + int(number)
    return calls


@pytest.mark.parametrize("name", OWN_READS)
def test_what_members_ask_has_a_plan_that_scales(name: str) -> None:
    """Broken: an inbox asks for each author by itself, or a picture is looked for in all."""
    address, table = OWN_READS[name]
    member = sign_up(f"queries-{time.time_ns()}@example.com")
    forget()
    for n in range(TIMES):
        assert member.client.get(address.format(n)).status_code in {200, 404}
    calls = asked(f"query LIKE '%FROM {table}%' AND query !~ 'pg_stat|EXPLAIN'")
    assert len(calls) == 1, calls
    # A picture that no replica has is looked for on the primary; then the edge remembers.
    assert 1 <= sum(calls.values()) <= TIMES, calls
    # These tables are nearly empty here, and to read all of such a one is the cheapest way.
    plan = sql(f"SET enable_seqscan = off; EXPLAIN (GENERIC_PLAN) {next(iter(calls))}")
    assert "Seq Scan" not in plan, plan
    assert "Index" in plan, plan


@pytest.mark.parametrize("name", READS)
def test_a_read_is_one_statement_with_a_plan_that_scales(visitor: httpx.Client, name: str) -> None:
    """Broken: a list asks for each author by itself (N + 1), or a page reads a whole table."""
    forget()
    for n in range(7000, 7000 + TIMES):
        visitor.get(READS[name].format(n)).raise_for_status()
    calls = asked()
    assert sum(calls.values()) == TIMES, calls
    for query in calls:
        plan = sql(f"EXPLAIN (GENERIC_PLAN) {query}")
        assert "Seq Scan" not in plan, plan
        assert "Index" in plan, plan


@pytest.mark.parametrize("key", CACHED)
def test_a_cached_read_is_one_command_and_no_statement(visitor: httpx.Client, key: str) -> None:
    """Broken: a hit asks Redis twice, or a database as well: the load that caching takes away."""

    def hit(n: int = 0) -> None:
        answer = visitor.get(CACHED[key].format(n))
        assert server_timing(answer)["cache"]["desc"] == "hit", answer.headers

    numbers = itertools.count()

    def hits() -> None:
        hit(next(numbers))  # the first fills the cache
        forget()
        with commands_about(key) as commands:
            for _ in range(TIMES):
                hit(next(numbers))
        assert [each.split()[0].upper() for each in commands] == ["GET"] * TIMES, commands
        assert not asked()

    # On a busy machine Redis can miss its deadline once; then the database answers, as it should.
    eventually(hits, within_s=30)


@pytest.mark.parametrize("name", HOT)
@pytest.mark.parametrize("server", SERVERS)
def test_a_hot_question_reads_no_block_from_outside_of_the_server(
    visitor: httpx.Client, server: str, name: str
) -> None:
    """Broken: PostgreSQL keeps no answers but the blocks that they are made of; shared_buffers is
    so small, or the question reads so much, that the second time is as dear as the first.
    """
    address, values = HOT[name]
    query = eventually(lambda: _statement_of(visitor, address), within_s=30)
    explained = f"PREPARE hot AS {query}; EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) EXECUTE hot"
    first, second = (json.loads(sql(explained + values, server))[0]["Plan"] for _ in range(2))
    print(f"{name} on {server}: {_blocks(first)}, then {_blocks(second)} (hit, read)")
    hit, read = _blocks(second)
    assert hit > 0
    assert read == 0


def _statement_of(visitor: httpx.Client, address: str) -> str:
    forget()
    visitor.get(address.format(next(strangers))).raise_for_status()
    calls = asked()
    assert len(calls) == 1, calls
    return next(iter(calls))


def _blocks(plan: dict[str, int]) -> tuple[int, int]:
    """Return how many blocks were found in shared_buffers, and how many were not."""
    return plan["Shared Hit Blocks"], plan["Shared Read Blocks"]


@contextmanager
def commands_about(key: str) -> Iterator[list[str]]:
    """Fill a list with the commands that Redis gets during the block and that name this key."""
    seen: list[str] = []
    monitor = ["docker", "exec", container("redis"), "timeout", "60", "redis-cli", "MONITOR"]
    with subprocess.Popen(monitor, stdout=subprocess.PIPE, text=True) as watching:
        assert watching.stdout is not None
        assert watching.stdout.readline().strip() == "OK"
        yield seen
        redis("ECHO", "that-was-all")
        for line in watching.stdout:  # 1764036000.1 [0 10.0.0.7:51234] "GET" "user:6007"
            command = line.partition("] ")[2].replace('"', "")
            if "that-was-all" in command:
                break
            if key in command:
                seen.append(command.strip())
        watching.terminate()


def test_the_popular_list_reads_ten_entries_of_an_index() -> None:
    """Broken: the dearest list sorts 200,000 posts each time."""
    plan = sql("EXPLAIN SELECT id FROM posts ORDER BY views DESC, id DESC LIMIT 10")
    assert "posts_views_id_idx" in plan, plan
    assert "Sort" not in plan, plan


def test_the_record_of_statements_is_kept_on_every_server() -> None:
    """Broken: a slow statement on a replica is seen by nobody."""

    def kept() -> None:
        for server in SERVERS:
            assert int(sql("SELECT count(*) FROM pg_stat_statements", server)) > 0, server

    eventually(kept, within_s=30)
