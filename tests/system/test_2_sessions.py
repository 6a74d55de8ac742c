"""Sessions over several replicas: known on each of them, and ended on each of them."""

from __future__ import annotations

import time

import httpx
import pytest

from tests.system.stack import ENTRY, Member, container, must, sign_up

pytestmark = pytest.mark.usefixtures("stage_5")


@pytest.fixture
def member() -> Member:
    """Sign up and log in."""
    return sign_up(f"session-{time.time_ns()}@example.com")


def replica(number: int) -> str:
    """Return the address of one replica of web, past balancer and edge."""
    port = must("docker", "port", container("web", number), "8000").splitlines()[0]
    return f"http://{port.strip()}"


def statuses(cookie: str) -> list[int]:
    """Return how each replica answers a write with this session."""
    post = {"title": "From each of them", "body": "b"}
    return [
        httpx.post(
            f"{replica(n)}/api/posts",
            json=post,
            headers={"cookie": f"session={cookie}"},
            timeout=20,
        ).status_code
        for n in (1, 2, 3)
    ]


def test_logging_out_everywhere_counts_at_once_on_every_replica(member: Member) -> None:
    """Broken: a stolen cookie goes on writing through the replica that was not asked."""
    credentials = {"email": member.email, "password": member.password}
    with httpx.Client(base_url=ENTRY, timeout=20) as phone:
        assert phone.post("/api/sessions", json=credentials).status_code == 201
        lost = phone.cookies["session"]
        assert statuses(lost) == [201] * 3

        assert member.client.delete("/api/sessions/all").status_code == 204
        assert "session" not in member.client.cookies
        assert statuses(lost) == [401] * 3
        assert phone.delete("/api/sessions/all").status_code == 401

        assert phone.post("/api/sessions", json=credentials).status_code == 201
        assert statuses(phone.cookies["session"]) == [201] * 3


@pytest.mark.parametrize(
    "told", [{"sec-fetch-site": "cross-site"}, {"origin": "https://evil.example"}]
)
def test_another_sites_page_changes_nothing(member: Member, told: dict[str, str]) -> None:
    """Broken: whoever is logged in can be made to write by a page elsewhere."""
    post = {"title": "Not by me", "body": "b"}
    refused = [
        member.client.post("/api/posts", json=post, headers=told),
        member.client.patch(f"/api/users/{member.id}", json={"name": "Not me"}, headers=told),
        member.client.delete("/api/sessions/all", headers=told),
    ]
    assert [answer.status_code for answer in refused] == [403] * 3
    assert {answer.headers["content-type"] for answer in refused} == {"application/problem+json"}
    profile = member.client.get(f"/api/users/{member.id}").json()
    assert (profile["name"], profile["post_count"]) == ("Ada Tester", 0)
    own = {"origin": ENTRY, "sec-fetch-site": "same-origin"}
    assert member.client.post("/api/posts", json=post, headers=own).status_code == 201
