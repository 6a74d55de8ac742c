"""What the techniques of the proxies buy: kept connections, a micro-cache, a rule of balancing."""

from __future__ import annotations

import re

from loadtest.ablate.lab import Figures, Lab
from loadtest.bench.commands import Stop

# A closed connection keeps its port for a minute (TIME_WAIT). Faster, or to one replica alone, the
# search for a free one would be measured, and in the end there would be none.
CONNECTIONS_A_SECOND = 300

LISTS = ("/api/posts/popular", "/api/posts", "/api/users/{}/posts")
MEMBERS = 200
LISTS_A_SECOND = 150

REPLICAS = 3
WEB_CORES = 0.2  # the share that a web replica has in docker-compose.yml
SLOW = 3  # the number of the replica that has a third of it
# A read takes a web replica 0.3 to 0.4 ms: the slow one can do about 200 a second, and by turns it
# is given 150. The two others are at a quarter of what they can.
READS_A_SECOND = 450


def start_replicas(lab: Lab) -> None:
    """Web replicas, behind whichever balancer asks."""
    lab.start_replicas(REPLICAS)


def start_origin(lab: Lab) -> None:
    """What an edge stands in front of, with one web replica."""
    lab.start_replicas(1)
    lab.start_quietly("lb")


def start_unequal_replicas(lab: Lab) -> None:
    """Three of the shipped size behind one balancer, and one of them slow."""
    lab.start_replicas(REPLICAS)
    for number in range(1, REPLICAS + 1):
        cores = WEB_CORES / 3 if number == SLOW else WEB_CORES
        lab.limit(lab.container("web", number), cores)
    lab.start_quietly("lb")
    lab.wait_for("lb", 8080)


def start_balancer(lab: Lab, way: str, settings: dict[str, str]) -> list[str]:
    """A balancer with these settings."""
    return [lab.start_way("lb", way, settings)]


def start_edge(lab: Lab, way: str, settings: dict[str, str]) -> list[str]:
    """An edge with these settings."""
    return [lab.start_way("edge", way, settings)]


def use_balancer(_lab: Lab, _way: str, _settings: dict[str, str]) -> list[str]:
    """The one balancer that there is: it is told how to choose."""
    return ["http://lb:8080"]


def connections(lab: Lab, urls: list[str], way: str, seconds: float) -> Figures:
    """Read one member through the balancer, and see what it and the replicas spend."""
    balancer = lab.container("lb", way)
    web = [lab.container("web", number) for number in range(1, REPLICAS + 1)]
    before, before_web = lab.spent_us(balancer), lab.spent_us(*web)
    told = lab.read(urls, "/api/users/1", seconds=seconds, rate=CONNECTIONS_A_SECOND)
    lb_us = (lab.spent_us(balancer) - before) / told["good"]
    web_us = (lab.spent_us(*web) - before_web) / told["good"]
    return {
        "lb_and_web_us_a_read": lb_us + web_us,
        "lb_us_a_read": lb_us,
        "web_us_a_read": web_us,
        "p95_ms": told["p95_ms"],
    }


def lists(lab: Lab, urls: list[str], way: str, seconds: float) -> Figures:
    """Read public lists at a steady rate through the edge, and see what reaches the origin."""
    origin = [lab.container(part) for part in ("lb", "web", "redis", "primary")]
    edge = lab.container("edge", way)
    asked, before, before_edge = _asked(lab), lab.spent_us(*origin), lab.spent_us(edge)
    told = lab.read(urls, *LISTS, seconds=seconds, rate=LISTS_A_SECOND, count=MEMBERS)
    spent, spent_edge = lab.spent_us(*origin) - before, lab.spent_us(edge) - before_edge
    return {
        "origin_requests_a_second": (_asked(lab) - asked - 1) / told["seconds"],
        "origin_us_a_read": spent / told["good"],
        "edge_us_a_read": spent_edge / told["good"],
        "p95_ms": told["p95_ms"],
    }


def _asked(lab: Lab) -> int:
    """How many requests the balancer has taken, this one among them."""
    status = lab.visit("lb", "/status", port=8081)["body"]
    numbers = re.search(r"requests\s+\d+ \d+ (\d+)", status)
    if not numbers:
        raise Stop(f"lb says something else: {status[:100]}")
    return int(numbers[1])


def unequal(lab: Lab, urls: list[str], way: str, seconds: float) -> Figures:
    """Read members at a steady rate while one replica has a third of its CPU."""
    lab.choose({"on": "least_conn", "off": "round_robin"}[way])
    plan = {"rate": READS_A_SECOND, "count": MEMBERS, "order": "any", "some_turned_away": True}
    told = lab.read(urls, "/api/users/{}", seconds=seconds, **plan)
    return {
        "p95_ms": told["p95_ms"],
        "p50_ms": told["p50_ms"],
        "turned_away_share": told["turned_away"] / (told["good"] + told["turned_away"]),
    }
