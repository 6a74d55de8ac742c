"""The ten techniques: which variable switches each, and what is measured with it and without it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from loadtest.ablate import cache, database, proxies
from loadtest.ablate.lab import Figures, Lab


def nothing(_lab: Lab) -> None:
    """All ways stand by themselves."""


@dataclass(frozen=True)
class Technique:
    """`ways` are what is compared: settings by a name; `shipped` is how it ships.

    `start` starts a way and says its addresses; `measure` loads it for some seconds. `figure` is
    the one of the figures by which the ways are compared.
    """

    name: str
    title: str
    variable: str
    stage: str
    databases: tuple[str, ...]
    ways: dict[str, dict[str, str]]
    start: Callable[[Lab, str, dict[str, str]], list[str]]
    measure: Callable[[Lab, list[str], str, float], Figures]
    figure: str
    unit: str
    shipped: str = "on"
    common: Callable[[Lab], None] = nothing
    services: tuple[str, ...] = ()  # others that have an image
    # A round. What is only counted needs no long one.
    seconds: float = 10


def start_replica(lab: Lab, way: str, settings: dict[str, str]) -> list[str]:
    """One web replica."""
    return [lab.start_way("web", way, settings)]


def switched(variable: str, shipped: str, off: str) -> dict[str, dict[str, str]]:
    """A variable as it ships, and as it switches its technique off."""
    return {"on": {variable: shipped}, "off": {variable: off}}


PRIMARY = ("primary",)
CACHED = ("primary", "redis")

TECHNIQUES = (
    Technique(
        "ttl-jitter",
        "lives in the cache differ by chance",
        "CACHE_TTL_JITTER=0",
        "4",
        CACHED,
        switched("CACHE_TTL_JITTER", "0.1", "0"),
        cache.start_short_lived,
        cache.loads,
        "peak_loads_a_second",
        "loads/s at the peak, of 300 keys filled together",
        seconds=15,
    ),
    Technique(
        "single-flight",
        "one load for all who miss a key",
        "CACHE_ONE_LOADER=false",
        "4",
        CACHED,
        switched("CACHE_ONE_LOADER", "true", "false"),
        cache.start_three,
        cache.stampede,
        "statements_a_crowd",
        "statements for 200 readers of a hot key that is gone",
    ),
    Technique(
        "negative-cache",
        "what does not exist is remembered",
        "CACHE_ABSENT_TTL_S=0",
        "4",
        CACHED,
        switched("CACHE_ABSENT_TTL_S", "10", "0"),
        start_replica,
        cache.absent,
        "statements_a_read",
        "statements a read of an absent id",
        seconds=8,
    ),
    Technique(
        "pool-size",
        "connections of a web replica to a database of 0.2 core",
        "DB_POOL_SIZE=1, 2, 4, 8, 16",
        "2",
        PRIMARY,
        {size: {"DB_POOL_SIZE": size} for size in ("1", "2", "4", "8", "16")},
        start_replica,
        database.busy,
        "reads_a_second",
        "good reads/s, of 32 visitors",
        shipped="8",
        common=database.make_database_small,
        seconds=6,
    ),
    Technique(
        "replica-routing",
        "reads go to streaming replicas",
        "REPLICA_DSN=",
        "3",
        ("primary", "replica-1", "replica-2"),
        {"on": {}, "off": {"REPLICA_DSN": ""}},
        start_replica,
        database.routed,
        "primary_us_a_read",
        "µs of the primary's CPU a read",
    ),
    Technique(
        "keep-alive",
        "connections to the web replicas are kept",
        "UPSTREAM_KEEPALIVE=0",
        "2",
        PRIMARY,
        switched("UPSTREAM_KEEPALIVE", "300", "0"),
        proxies.start_balancer,
        proxies.connections,
        "lb_and_web_us_a_read",
        "µs of CPU a read, balancer and web",
        common=proxies.start_replicas,
        services=("lb",),
    ),
    Technique(
        "micro-cache",
        "the edge keeps public lists for a second",
        "EDGE_MICRO_CACHE=off",
        "5",
        CACHED,
        switched("EDGE_MICRO_CACHE", "on", "off"),
        proxies.start_edge,
        proxies.lists,
        "origin_requests_a_second",
        "requests/s at the origin, of 150 at the edge",
        common=proxies.start_origin,
        services=("lb", "edge"),
    ),
    Technique(
        "view-batching",
        "views are gathered in Redis and written in batches",
        "VIEWS_BATCHED=false",
        "4",
        CACHED,
        switched("VIEWS_BATCHED", "true", "false"),
        start_replica,
        cache.views,
        "statements_a_view",
        "statements a view",
        seconds=8,
    ),
    Technique(
        "least-conn",
        "the balancer sees who is busy, and one of three replicas has a third of its CPU",
        "make lb-least_conn",
        "2",
        PRIMARY,
        {"on": {}, "off": {}},
        proxies.use_balancer,
        proxies.unequal,
        "p95_ms",
        "ms, p95 of 450 reads/s",
        shipped="off",
        common=proxies.start_unequal_replicas,
        services=("lb",),
    ),
    Technique(
        "popular-index",
        "an index serves the most viewed posts",
        "DROP INDEX posts_views_id_idx",
        "1",
        PRIMARY,
        {"on": {}, "off": {}},
        start_replica,
        database.popular,
        "db_us_a_read",
        "µs of the database's CPU a read",
        seconds=8,
    ),
)
