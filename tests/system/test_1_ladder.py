"""The walk 1 → 2 → 3 → 4 → 5 → 3 → 1 → 5: each stage is what it says, and what was written is kept.

The tests of one step run against one standing stage; the next step moves it.
"""

from __future__ import annotations

import re
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice
from threading import Event
from typing import TYPE_CHECKING

import httpx
import pytest

from tests.drawn import drawn
from tests.system.crowd import requests_at
from tests.system.stack import (
    ENTRY,
    GRAFANA,
    PROJECT,
    PROMETHEUS,
    Member,
    containers,
    mails_to,
    must,
    run,
    server_timing,
    sign_up,
    sql,
)
from tests.system.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Callable

WALK = ["1", "2", "3", "4", "5", "3", "1", "5"]

# Written by hand, not read from stages/: what must run is decided here.
JOBS = {"migrate", "seed"}
ALWAYS = {
    "web",
    "primary",
    "mail",
    "prometheus",
    "alertmanager",
    "blackbox-exporter",
    "grafana",
    "node-exporter",
    "postgres-exporter",
    "cadvisor",
}
NEW = {
    2: {"lb", "lb-exporter", "proxy-exporter"},
    3: {"replica-1", "replica-2"},
    4: {"redis", "redis-exporter"},
    5: {"edge", "edge-exporter", "rabbitmq", "relay", "worker"},
}
REPLICAS = {"web-1", "web-2", "web-3"}
FORGED = "203.0.113.77"  # of nobody: TEST-NET-3 (RFC 5737)


def get(address: str) -> httpx.Response:
    """Ask as a visitor of their own, on a connection of their own."""
    return httpx.get(address, timeout=20)


@dataclass
class Journey:
    """What the walk has written so far, and must find again."""

    stage: int = 0
    members: list[Member] = field(default_factory=list)
    posts: list[tuple[int, str]] = field(default_factory=list)
    reads: Counter[int] = field(default_factory=Counter)
    unanswered: Counter[int] = field(default_factory=Counter)

    def read(self, visitor: httpx.Client, post: int) -> str:
        """Read a post, which counts as a view, and return its title."""
        self.reads[post] += 1
        title: str = visitor.get(f"/api/posts/{post}").raise_for_status().json()["title"]
        return title

    def keep_reading(self, post: int, until: Event) -> None:
        """Read a post again and again while the stage moves under it."""
        while not until.wait(0.05):
            try:
                status = get(f"{ENTRY}/api/posts/{post}").status_code
            except httpx.ConnectError:
                continue  # nobody was there to count it
            except httpx.HTTPError:
                status = 0
            (self.reads if status == 200 else self.unanswered)[post] += 1

    def all_views_are_counted(self) -> None:
        """Compare the database with what was read."""
        for post, reads in self.reads.items():
            views = int(sql(f"SELECT views FROM posts WHERE id = {post}"))
            # Whoever got no answer may have been counted, or not.
            assert reads <= views <= reads + self.unanswered[post]


@pytest.fixture(scope="module")
def journey() -> Journey:
    """Begin the walk."""
    return Journey()


@pytest.fixture(
    scope="class", params=range(len(WALK)), ids=[f"{n}-stage-{s}" for n, s in enumerate(WALK)]
)
def at(request: pytest.FixtureRequest, journey: Journey) -> Journey:
    """Move to the step's stage, then write a member and a post there."""
    stage = WALK[request.param]
    printed = must("make", f"stage-{stage}")
    assert f"Stage {stage}:" in printed
    assert ENTRY.replace("127.0.0.1", "localhost") in printed

    journey.stage = int(stage)
    member = sign_up(f"walker-{request.param}-{time.time_ns()}@example.com")
    title = f"Step {request.param} at stage {stage}"
    answer = member.client.post("/api/posts", json={"title": title, "body": "Written on the way."})
    assert answer.status_code == 201, answer.text
    journey.members.append(member)
    journey.posts.append((answer.json()["id"], title))
    return journey


class TestEveryStage:
    """What holds at each step; the time of a switch is the set-up time of the step's first test."""

    def test_exactly_the_services_of_the_stage_run(self, at: Journey) -> None:
        """Broken: a service of another stage still runs, or one of this stage does not."""
        expected = ALWAYS.union(*(NEW[n] for n in NEW if n <= at.stage))
        states = containers()
        assert {service for service, state in states if state == "running"} == expected
        assert {service for service, state in states if state != "running"} == JOBS
        assert sum(service == "web" for service, _ in states) == (1 if at.stage == 1 else 3)

    @pytest.mark.usefixtures("at")
    def test_a_move_is_no_alarm(self) -> None:
        """Broken: who climbs is mailed that the entry, or a service that left, is lost."""
        told = {mail["subject"] for mail in mails_to("operator@sluice.example")}
        missed = ("EntryDown", "ServiceLost", "TargetDown")
        assert not {subject for subject in told if any(alert in subject for alert in missed)}

    @pytest.mark.usefixtures("at")
    def test_every_service_with_a_health_check_is_healthy(self) -> None:
        """Broken: the command ended although a part of the stage cannot serve."""
        running = {service for service, state in containers() if state == "running"}
        healthy = {service for service, _ in containers("health=healthy")}
        # The exporters' images hold one program and no shell: there is nothing that could check it.
        # A check of Redis would silence it (docker-compose.yml).
        assert running - healthy <= {"lb-exporter", "edge-exporter", "redis-exporter", "redis"}

    def test_what_was_written_at_earlier_stages_is_there(self, at: Journey) -> None:
        """Broken: a switch lost data."""
        with httpx.Client(base_url=ENTRY, timeout=20) as visitor:
            for member in at.members:
                answer = visitor.get(f"/api/users/{member.id}")
                assert answer.status_code == 200, (member, answer.text)
                assert answer.json()["post_count"] == 1
            for post, title in at.posts:
                assert at.read(visitor, post) == title

    def test_every_view_is_counted(self, at: Journey) -> None:
        """Broken: a view is lost or doubled, in the stage or on the way to it."""
        eventually(at.all_views_are_counted, within_s=30)

    def test_a_session_of_an_earlier_stage_still_counts(self, at: Journey) -> None:
        """Broken: a visitor is logged out because the architecture changed."""
        first = at.members[0]
        answer = first.client.patch(
            f"/api/users/{first.id}", json={"name": f"Renamed at {at.stage}"}
        )
        assert answer.status_code == 200, answer.text
        for _ in range(6):  # the next read sees it, whichever replica of web or database answers
            assert (
                first.client.get(f"/api/users/{first.id}").json()["name"]
                == f"Renamed at {at.stage}"
            )

    def test_the_replicas_take_turns(self, at: Journey) -> None:
        """Broken: the load balancer leaves a replica out, or stage 1 has more than one."""
        with httpx.Client(base_url=ENTRY, timeout=20) as visitor:
            seen = {visitor.get(f"/api/users/{n}").headers["x-served-by"] for n in range(1, 31)}
        assert seen == ({"web-1"} if at.stage == 1 else REPLICAS)

    def test_reads_name_their_source(self, at: Journey) -> None:
        """Broken: reads still go to the primary at stage 3, or past the cache at stage 4."""
        with httpx.Client(base_url=ENTRY, timeout=20) as visitor:
            address = f"/api/users/{1000 + at.stage}"

            def answered_from() -> None:
                visitor.get(address)
                second = server_timing(visitor.get(address))
                assert second["cache"]["desc"] == ("hit" if at.stage >= 4 else "off")
                assert ("db" in second) is (at.stage < 4)

            # On a busy machine Redis can miss its deadline once.
            eventually(answered_from, within_s=30)

    def test_every_box_on_the_way_names_itself(self, at: Journey) -> None:
        """Broken: the site draws another architecture than the one that answered."""
        answer = get(f"{ENTRY}/api/architecture")
        proxies = {1: set(), 5: {"edge", "lb"}}.get(at.stage, {"lb"})
        assert server_timing(answer).keys() == {"app"} | proxies
        assert answer.json() == {
            "primary": "primary",
            "replicas": ["replica-1", "replica-2"] if at.stage >= 3 else [],
            "cache": "redis" if at.stage >= 4 else None,
            "broker": "rabbitmq" if at.stage >= 5 else None,
            "mail": "mail",
        }

    def test_the_databases_share_the_reads(self, at: Journey) -> None:
        """Broken: a read goes to the primary at stage 3, or one replica gets all of them."""
        seen: set[str] = set()
        members = iter(range(2000, 20_000))  # each asked about once: no cache answers

        def check() -> None:
            with ThreadPoolExecutor(24) as visitors:
                addresses = [f"{ENTRY}/api/users/{n}/posts?limit=5" for n in islice(members, 48)]
                seen.update(
                    server_timing(answer)["db"]["desc"] for answer in visitors.map(get, addresses)
                )
            assert seen == ({"replica-1", "replica-2"} if at.stage >= 3 else {"primary"})

        eventually(check, within_s=20)

    def test_the_welcome_mail_arrives(self, at: Journey) -> None:
        """Broken: no mail, two mails, or one that somebody else sent than the stage says."""
        member = at.members[-1]

        def exactly_one() -> dict[str, str]:
            mails = mails_to(member.email)
            assert len(mails) == 1, mails
            headers: dict[str, str] = mails[0]["headers"]
            return headers

        sender = eventually(exactly_one, within_s=30)["x-sent-by"]
        assert re.fullmatch(r"worker-\d" if at.stage == 5 else r"web-[123]", sender)

    def test_a_picture_is_processed(self, at: Journey) -> None:
        """Broken: without a broker nobody does the job, or with one nobody tells the cache."""
        member = at.members[-1]
        headers = {"content-type": "image/png"}
        content = drawn("PNG", (900, 700))
        answer = member.client.put("/api/users/me/avatar", content=content, headers=headers)
        assert answer.status_code == 202, answer.text

        def shown() -> dict[str, str]:
            assert member.client.get(answer.headers["location"]).json()["status"] == "done"
            found: dict[str, str] | None = get(f"{ENTRY}/api/users/{member.id}").json()["avatar"]
            assert found
            return found

        for address in eventually(shown, within_s=60).values():
            assert get(ENTRY + address).headers["content-type"] == "image/webp", at.stage

    def test_a_static_file_comes_from_the_edge_the_second_time(self, at: Journey) -> None:
        """Broken: static files reach the replicas again and again at stage 5."""
        with httpx.Client(base_url=ENTRY, timeout=20) as visitor:
            page = visitor.get("/")
            assert page.status_code == 200
            style = re.search(r'href="(/static/[^"]+\.css)"', page.text)
            assert style, page.text
            _, second = visitor.get(style[1]), visitor.get(style[1])
        assert second.status_code == 200
        assert "immutable" in second.headers["cache-control"]
        assert second.headers.get("x-cache") == ("HIT" if at.stage == 5 else None)

    @pytest.mark.parametrize("path", ["/metrics", "/healthz", "/readyz"])
    def test_operations_are_not_public(self, at: Journey, path: str) -> None:
        """Broken: a visitor can read the metrics or the readiness of a replica."""
        assert httpx.get(ENTRY + path, timeout=20).status_code == 404, at.stage

    def test_a_forged_address_changes_nothing(self, at: Journey) -> None:
        """Broken: a visitor says from where they come, and is believed: by a limit, or in a log."""
        forged = dict.fromkeys(("X-Forwarded-For", "X-Real-IP", "True-Client-IP"), FORGED)
        forged["Forwarded"] = f"for={FORGED}"
        forged["X-Request-Id"] = "f" * 32
        since = datetime.now(UTC).isoformat()
        with httpx.Client(base_url=ENTRY, timeout=20) as visitor:
            honest, lying = (visitor.get("/api/users/1", headers=said) for said in ({}, forged))
        assert (honest.status_code, honest.content) == (lying.status_code, lying.content)
        for answer in (honest, lying):
            told = [answer.headers.get_list(name) for name in ("x-request-id", "x-served-by")]
            assert [len(each) for each in told] == [1, 1], (at.stage, told)
            assert told[1][0].startswith("web-"), at.stage
        assert lying.headers["x-request-id"] != "f" * 32, at.stage

        def one_client() -> None:
            proxies = {1: [], 5: ["edge", "lb"]}.get(at.stage, ["lb"])
            for proxy in proxies:
                lines = requests_at(proxy, "/api/users/1", since=since)
                client = {line["request_id"]: line["client"] for line in lines}
                told = {client.get(answer.headers["x-request-id"]) for answer in (honest, lying)}
                assert len(told) == 1, (proxy, told)
                assert None not in told, proxy
            printed = must("bin/compose", "logs", "--since", since, "web", *proxies)
            assert lying.headers["x-request-id"] in printed
            assert FORGED not in printed

        eventually(one_client, within_s=15)

    def test_prometheus_scrapes_what_runs(self, at: Journey) -> None:
        """Broken: a service runs unseen, or one of another stage is reported as down."""
        jobs = {"web", "postgres", "node", "cadvisor", "prometheus", "grafana", "alertmanager"}
        jobs |= {"entry"} | ({"certificate"} if at.stage == 5 else set())
        jobs |= {"nginx", "proxies"} if at.stage >= 2 else set()
        jobs |= {"redis"} if at.stage >= 4 else set()
        jobs |= {"rabbitmq", "rabbitmq-queues", "relay", "worker"} if at.stage >= 5 else set()

        def check() -> None:
            answer = httpx.get(f"{PROMETHEUS}/api/v1/targets?state=active", timeout=10).json()
            targets = [(t["labels"]["job"], t["health"]) for t in answer["data"]["activeTargets"]]
            assert {job for job, _ in targets} == jobs
            assert {state for _, state in targets} == {"up"}
            assert sum(job == "web" for job, _ in targets) == (1 if at.stage == 1 else 3)
            assert sum(job == "postgres" for job, _ in targets) == (1 if at.stage < 3 else 3)
            assert sum(job == "nginx" for job, _ in targets) == {1: 0, 5: 2}.get(at.stage, 1)

        eventually(check, within_s=60, every_s=1)

    def test_grafana_shows_the_ladder(self, at: Journey) -> None:
        """Broken: Grafana runs without the dashboard."""
        found = httpx.get(f"{GRAFANA}/api/search", timeout=10).json()
        assert any(one["title"] == "The ladder" for one in found), (at.stage, found)

    def test_no_service_logged_an_error(
        self, at: Journey, count_errors: Callable[[], list[str]]
    ) -> None:
        """Broken: something fails behind a good answer."""
        assert count_errors() == [], at.stage


@pytest.fixture
def count_errors() -> Callable[[], list[str]]:
    """Return the application's log lines of level error and above at this stage."""

    def errors() -> list[str]:
        lines = must(
            "bin/compose", "logs", "--no-log-prefix", "web", *worker_services()
        ).splitlines()
        return [line for line in lines if re.search(r'"level": ?"(error|critical)"', line)]

    return errors


def worker_services() -> list[str]:
    """Return the services of ours beside web that the stage has."""
    return sorted({service for service, _ in containers()} & {"relay", "worker"})


def test_a_switch_that_changes_nothing_leaves_every_container(journey: Journey) -> None:
    """Broken: `make stage-5` at stage 5 restarts something."""
    assert journey.stage == 5
    before = must(
        "docker", "ps", "--quiet", "--filter", f"label=com.docker.compose.project={PROJECT}"
    )
    assert run("make", "stage-5").returncode == 0
    after = must(
        "docker", "ps", "--quiet", "--filter", f"label=com.docker.compose.project={PROJECT}"
    )
    assert set(after.split()) == set(before.split())


def test_views_are_written_down_before_the_cache_leaves(journey: Journey) -> None:
    """Broken: what was gathered in Redis stays there when a stage without it is chosen."""
    must("make", "stage-4")
    moved = Event()
    with ThreadPoolExecutor(1) as reader:
        reading = reader.submit(journey.keep_reading, journey.posts[0][0], moved)
        try:
            must("make", "stage-3")
        finally:
            moved.set()
        reading.result()
    eventually(journey.all_views_are_counted, within_s=30)
