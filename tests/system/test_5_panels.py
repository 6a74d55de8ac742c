"""Every panel's query against the real Prometheus, at stages 5, 3 and 1, while people use the site.

A panel says itself from which stage on it has data ("from stage 4 on"): below that stage it must be
empty and no error, from it on it must show something. What is empty in health stands in QUIET.
"""

from __future__ import annotations

import json
import math
import re
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from tests.system.everyday import Everyday
from tests.system.stack import (
    ENTRY,
    GRAFANA,
    PROMETHEUS,
    ROOT,
    container,
    containers,
    must,
    wait_healthy,
)
from tests.system.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator

DASHBOARDS = sorted((ROOT / "grafana/dashboards").glob("*.json"))
FIRST = re.compile(r"from stage (\d) on")
# Twelve scrapes, as a dashboard of an hour has it; and it follows the time that a stage has run.
REQUESTS = 'sluice_proxy_requests_total{proxy="edge"}'
RATE_INTERVAL = "1m"

# No data in health, and why. Everything else that counts trouble shows zero.
QUIET = {
    "Read from disk": "a kernel with cgroup v1 and without blkio.throttle counts none",
    "Written to disk": "as above",
}


@dataclass(frozen=True)
class Shown:
    """A panel's place, the first stage that has it, and its queries."""

    where: str
    title: str
    since: int
    queries: tuple[str, ...]


def panels() -> list[Shown]:
    """Return all panels of all dashboards."""
    found = []
    for file in DASHBOARDS:
        for panel in json.loads(file.read_text())["panels"]:
            if panel["type"] == "row":
                continue
            absent = FIRST.fullmatch(panel["fieldConfig"]["defaults"].get("noValue", ""))
            queries = tuple(
                target["expr"].replace("$__rate_interval", RATE_INTERVAL)
                for target in panel["targets"]
            )
            since = int(absent[1]) if absent else 1
            found.append(Shown(f"{file.stem}: {panel['title']}", panel["title"], since, queries))
    return found


def ask(client: httpx.Client, expr: str) -> list[float]:
    """Return the values that a query gives now, those that are numbers; an error is a failure."""
    answer = client.post("/api/v1/query", data={"query": expr})
    assert answer.status_code == 200, f"{expr}: {answer.text}"
    result: list[dict[str, Any]] = answer.json()["data"]["result"]
    values = [float(one["value"][1]) for one in result]
    return [value for value in values if not math.isnan(value)]


@pytest.fixture(scope="module", params=[5, 3, 1])
def stage(request: pytest.FixtureRequest) -> Iterator[int]:
    """The stack at a stage, while people use the site. The last one leaves it at stage 5."""
    number: int = request.param
    must("make", f"stage-{number}")
    with Everyday() as day:
        yield number
    assert not day.failures, day.failures[:5]
    if number == 1:
        must("make", "stage-5")


@pytest.fixture(scope="module")
def prometheus() -> Iterator[httpx.Client]:
    """Prometheus' own address."""
    with httpx.Client(base_url=PROMETHEUS, timeout=20) as client:
        yield client


def lines_since(moment: datetime) -> int:
    """Return how many requests the edge has logged since then."""
    printed = must("docker", "logs", "--since", moment.isoformat(), container("edge"))
    return sum('"event":"request_answered"' in line for line in printed.splitlines())


def counted(client: httpx.Client) -> float:
    """Return how many requests the edge's lines have told."""
    return sum(ask(client, REQUESTS))


def test_what_nginx_tells_is_what_it_logs(stage_5: None, prometheus: httpx.Client) -> None:
    """Broken: hit ratio and bytes are those of a part of the requests."""
    now = time.time()

    def looked() -> None:
        assert min(ask(prometheus, f"timestamp({REQUESTS})")) > now

    eventually(looked, within_s=30)  # so what was asked before this test is counted before it
    began, before = datetime.now(UTC), counted(prometheus)
    with httpx.Client(base_url=ENTRY, timeout=20) as visitor:
        for _ in range(200):
            visitor.get("/api/posts/popular")

    def check() -> None:
        told = counted(prometheus) - before
        assert told >= 200
        # Prometheus looks every five seconds, and itself asks at the entry every ten.
        assert abs(told - lines_since(began)) <= 3

    eventually(check, within_s=60, every_s=1)
    assert sum(ask(prometheus, "sluice_proxy_lines_dropped_total")) == 0
    assert sum(ask(prometheus, 'sluice_proxy_lines_total{outcome="unreadable"}')) == 0


def test_nginx_needs_nobody_who_counts(stage_5: None) -> None:
    """Broken: the edge does not start, serves errors, or complains, because its watcher is away."""
    must("docker", "stop", "--time", "5", container("proxy-exporter"))
    try:
        since = str(time.time())
        must("docker", "restart", "--time", "5", container("edge"), container("lb"))
        wait_healthy("lb")
        wait_healthy("edge")
        with httpx.Client(base_url=ENTRY, timeout=20) as visitor:
            answers = {visitor.get("/api/posts/popular").status_code for _ in range(50)}
        assert answers == {200}
        for service in ("edge", "lb"):
            done = must("docker", "logs", "--since", since, container(service))
            assert "syslog" not in done
    finally:
        must("docker", "start", container("proxy-exporter"))
    wait_healthy("proxy-exporter")
    assert ("proxy-exporter", "running") in containers()


def test_every_panel_shows_something(stage: int, prometheus: httpx.Client) -> None:
    """Broken: whoever looks for the bottleneck looks at an empty picture, or at an error."""
    mine = [panel for panel in panels() if panel.since <= stage and panel.title not in QUIET]
    assert len(mine) > {5: 200, 3: 120, 1: 90}[stage]

    def check() -> None:
        empty = [
            panel.where
            for panel in mine
            if not any(ask(prometheus, query) for query in panel.queries)
        ]
        assert not empty, empty

    # A minute until rates over one minute stand, and some for a machine that does much else.
    eventually(check, within_s=240, every_s=5)


def test_what_the_stage_lacks_is_empty_and_no_error(stage: int, prometheus: httpx.Client) -> None:
    """Broken: a panel claims zero requests of an edge that does not exist, or fails."""

    def check() -> None:
        for panel in panels():
            for query in panel.queries:
                values = ask(prometheus, query)
                assert panel.since <= stage or not values, (panel.where, query, values)

    # What the stage before had is forgotten once its last minute is over.
    eventually(check, within_s=180, every_s=5)


def test_grafana_has_all_dashboards(stage: int) -> None:
    """Broken: a dashboard that was never provisioned, or that Grafana could not read."""
    found = httpx.get(f"{GRAFANA}/api/search", timeout=20).raise_for_status().json()
    titles = {json.loads(file.read_text())["title"] for file in DASHBOARDS}
    assert {one["title"] for one in found} == titles
