"""What the techniques of the database buy: the pool's size, reads on replicas, an index.

Without a cache: each read is a statement.
"""

from __future__ import annotations

import json

from loadtest.ablate.lab import Figures, Lab

AT_A_TIME = 16
MEMBERS = 2_000

DB_CORES = 0.2  # the share that a database has in docker-compose.yml
VISITORS = 32

INDEX = {
    "on": "CREATE INDEX IF NOT EXISTS posts_views_id_idx ON posts (views DESC, id DESC)",
    "off": "DROP INDEX IF EXISTS posts_views_id_idx",
}
# What the application's own statement has taken so far.
TAKEN = """
SELECT json_build_object('calls', sum(calls), 'ms', sum(total_exec_time),
                         'buffers', sum(shared_blks_hit + shared_blks_read))
FROM pg_stat_statements WHERE query LIKE '%FROM posts JOIN users%ORDER BY posts.views DESC%'
"""


def make_database_small(lab: Lab) -> None:
    """Give the database the share of a core that it ships with."""
    lab.limit(lab.container("primary"), DB_CORES)


def busy(lab: Lab, urls: list[str], _way: str, seconds: float) -> Figures:
    """Page through the newest posts, by more visitors than a small pool lets wait."""
    plan = {"at_a_time": VISITORS, "some_turned_away": True}
    told = lab.read(urls, "/api/posts?limit=20", seconds=seconds, **plan)
    return {
        "reads_a_second": told["good"] / told["seconds"],
        "p95_ms": told["p95_ms"],
        "turned_away_share": told["turned_away"] / (told["good"] + told["turned_away"]),
    }


def routed(lab: Lab, urls: list[str], _way: str, seconds: float) -> Figures:
    """Read members, and see which server of the database works for it."""
    primary = lab.container("primary")
    replicas = (lab.container("replica-1"), lab.container("replica-2"))
    before, before_replicas = lab.spent_us(primary), lab.spent_us(*replicas)
    plan = {"at_a_time": AT_A_TIME, "count": MEMBERS, "order": "any"}
    told = lab.read(urls, "/api/users/{}", seconds=seconds, **plan)
    return {
        "primary_us_a_read": (lab.spent_us(primary) - before) / told["good"],
        "replicas_us_a_read": (lab.spent_us(*replicas) - before_replicas) / told["good"],
        "reads_a_second": told["good"] / told["seconds"],
    }


def popular(lab: Lab, urls: list[str], way: str, seconds: float) -> Figures:
    """Ask for the most viewed posts, with the index and without it."""
    lab.sql(INDEX[way])
    lab.read(urls, "/api/posts/popular", seconds=1, at_a_time=1)  # planned anew, pages in memory
    primary = lab.container("primary")
    before, taken = lab.spent_us(primary), json.loads(lab.sql(TAKEN))
    # One at a time: what a statement takes, not what it waits for the others.
    told = lab.read(urls, "/api/posts/popular", seconds=seconds, at_a_time=1)
    spent = lab.spent_us(primary) - before
    took = {name: value - taken[name] for name, value in json.loads(lab.sql(TAKEN)).items()}
    return {
        "statement_ms": took["ms"] / took["calls"],
        "buffers_a_statement": took["buffers"] / took["calls"],
        "db_us_a_read": spent / told["good"],
        "reads_a_second": told["good"] / told["seconds"],
        "p95_ms": told["p95_ms"],
    }
