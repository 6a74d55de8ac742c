"""What the databases are asked: one statement a read, and never a walk through a table.

The statements are taken from the servers' own record (pg_stat_statements), not from the code: what
is checked is what was really asked. EXPLAIN (GENERIC_PLAN) plans them with their parameters open.
"""

from __future__ import annotations

import httpx
import pytest

from tests.system.stack import sql
from tests.system.waiting import eventually

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

# The community's own reads: not health checks, the exporter's questions, or what counts views.
OURS = """
    query ~ 'FROM (users|posts)' AND query !~ 'pg_stat|pg_class|EXPLAIN|UPDATE|COPY|TRUNCATE'
"""


def forget() -> None:
    """Empty the servers' record of statements."""
    for server in SERVERS:
        sql("SELECT pg_stat_statements_reset()", server)


def asked() -> dict[str, int]:
    """Return the statements that the servers were asked since, and how often."""
    calls: dict[str, int] = {}
    for server in SERVERS:
        rows = sql(
            "SELECT calls, translate(query, E'\\n|', '  ') FROM pg_stat_statements "
            f"WHERE dbid = (SELECT oid FROM pg_database WHERE datname = 'sluice') AND {OURS}",
            server,
        )
        for row in rows.splitlines():
            number, query = row.split("|", 1)
            calls[query] = calls.get(query, 0) + int(number)
    return calls


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
