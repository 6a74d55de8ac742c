"""What members do to each other: show a picture, follow, hear of new posts. And each view counts.

Jobs are killed in the middle of it, and what is promised is counted afterwards.
"""

from __future__ import annotations

import itertools
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import httpx
import pytest

from tests.drawn import bad_files, drawn
from tests.system.stack import ENTRY, Member, container, must, sign_up, sql, wait_healthy
from tests.system.waiting import eventually

pytestmark = pytest.mark.usefixtures("stage_5")

numbers = itertools.count(time.time_ns())
FOLLOWERS = 10_000
READERS = 4


def new_member(name: str = "Mina") -> Member:
    """Sign up and log in."""
    return sign_up(f"members-{next(numbers)}@example.com", name)


@pytest.fixture(scope="module")
def member(stage_5: None) -> Member:
    """Somebody whose avatar it is."""
    return new_member()


def send(member: Member, content: bytes) -> httpx.Response:
    """Send a picture to become the member's avatar."""
    headers = {"content-type": "image/*"}
    return member.client.put("/api/users/me/avatar", content=content, headers=headers)


def ended(member: Member, job: str, within_s: float = 60) -> dict[str, Any]:
    """Wait until a job has ended; → what is told of it."""

    def check() -> dict[str, Any]:
        answer = member.client.get(job)
        told: dict[str, Any] = answer.raise_for_status().json()
        assert ("retry-after" in answer.headers) == (told["status"] == "waiting")
        assert told["status"] != "waiting"
        return told

    return eventually(check, within_s=within_s)


def avatar_of(member: Member) -> dict[str, str] | None:
    """The pictures that everybody is shown for the member."""
    profile = httpx.get(f"{ENTRY}/api/users/{member.id}", timeout=20).raise_for_status()
    shown: dict[str, str] | None = profile.json()["avatar"]
    return shown


def new_avatar_of(member: Member, before: dict[str, str] | None) -> dict[str, str]:
    """The pictures that take the place of these.

    Soon, not at once: a job is done at its commit, and the cache is told just after.
    """

    def check() -> dict[str, str]:
        shown = avatar_of(member)
        assert shown is not None
        assert shown != before
        return shown

    return eventually(check, within_s=5)


def test_a_picture_becomes_three_that_the_edge_keeps(member: Member, visitor: httpx.Client) -> None:
    """Broken: no picture, an old one out of a cache, or each view of it is a query."""
    assert avatar_of(member) is None  # and so it lies in the cache
    answer = send(member, drawn("JPEG", (3000, 2000)))
    assert answer.status_code == 202, answer.text
    assert answer.json() == {"job": answer.headers["location"]}
    told = ended(member, answer.headers["location"])
    assert (told["status"], told["kind"]) == ("done", "process_avatar")
    assert told["created_at"] < told["finished_at"]

    shown = new_avatar_of(member, None)
    assert list(shown) == ["64", "128", "512"]
    for address in shown.values():
        first, second = visitor.get(address), visitor.get(address)
        assert first.status_code == second.status_code == 200
        assert second.headers["x-cache"] == "HIT"
        assert second.headers["content-type"] == "image/webp"
        assert second.headers["cache-control"] == "public, max-age=31536000, immutable"
        again = visitor.get(address, headers={"if-none-match": second.headers["etag"]})
        assert again.status_code == 304


def test_a_job_is_its_owners_business(member: Member, visitor: httpx.Client) -> None:
    """Broken: anybody can follow what a member uploads."""
    job = send(member, drawn("GIF")).headers["location"]
    assert visitor.get(job).status_code == 404
    assert new_member().client.get(job).status_code == 404
    assert member.client.get("/api/jobs/nonsense").status_code == 422
    assert ended(member, job)["status"] == "done"


def test_a_picture_that_is_not_there_is_forgotten_soon(visitor: httpx.Client) -> None:
    """Broken: a picture that comes a moment later is a broken image for a year."""
    for name in ("0" * 32 + "-64.webp", "nonsense", "0" * 32 + "-65.webp"):
        answer = visitor.get(f"/media/avatars/{name}")
        assert answer.status_code == 404
        assert answer.headers["cache-control"] == "public, max-age=5"


def test_who_may_not_send_and_what_is_too_large(member: Member, visitor: httpx.Client) -> None:
    """Broken: a visitor's body is stored, or one of a gigabyte is received."""
    headers = {"content-type": "image/png"}
    address = "/api/users/me/avatar"
    assert visitor.put(address, content=drawn("PNG"), headers=headers).status_code == 401
    huge = drawn("PNG") + bytes(6 * 1024 * 1024)
    assert send(member, huge).status_code == 413
    as_text = {"content-type": "text/plain"}
    assert member.client.put(address, content=drawn("PNG"), headers=as_text).status_code == 415


def test_bad_files_end_clearly_and_stop_nobody(member: Member) -> None:
    """Broken: one of them crashes a worker, stops the queue, or waits for ever."""
    before, starts = avatar_of(member), worker_starts()
    waited = {}
    for what, (status, content) in bad_files().items():
        answer = send(member, content)
        assert answer.status_code == status, (what, answer.text)
        if status == 202:
            # One at a time: a later upload takes the place of one that waits.
            waited[what] = ended(member, answer.headers["location"])
    assert len(bad_files()) >= 20
    for what, told in waited.items():
        assert told["status"] == "failed", what
        assert told["reason"], what
    assert avatar_of(member) == before
    assert worker_starts() == starts
    good = send(member, drawn("PNG", (200, 300), "RGBA"))
    assert ended(member, good.headers["location"])["status"] == "done"
    assert new_avatar_of(member, before)
    depths = must("docker", "exec", container("rabbitmq"), "rabbitmqctl", "-q", "list_queues")
    assert "process_avatar.dead\t0" in depths


def worker_starts() -> str:
    """How often the worker's container was started, and when last."""
    form = "{{ .RestartCount }} {{ .State.StartedAt }}"
    return must("docker", "inspect", "--format", form, container("worker"))


def test_of_two_pictures_the_later_one_is_shown(member: Member) -> None:
    """Broken: the earlier one overtakes it, or both wait for ever."""
    jobs = [send(member, drawn("PNG", size)).headers["location"] for size in ((600, 99), (99, 600))]
    told = [ended(member, job) for job in jobs]
    assert told[1]["status"] == "done"
    assert told[0]["status"] == "done" or "later picture" in told[0]["reason"]
    last = avatar_of(member)
    again = send(member, drawn("PNG", (99, 600))).headers["location"]
    assert ended(member, again)["status"] == "done"
    assert avatar_of(member) == last  # the same picture has the same name


def test_a_worker_that_dies_over_a_picture_loses_none(stage_5: None) -> None:
    """Broken: an upload that was accepted is never processed."""
    members = [new_member() for _ in range(4)]
    jobs = [send(one, drawn("PNG", (3000, 3000))).headers["location"] for one in members]
    must("docker", "kill", container("worker"))
    must("docker", "start", container("worker"))
    for one, job in zip(members, jobs, strict=True):
        assert ended(one, job, within_s=120)["status"] == "done"
        assert avatar_of(one) is not None


def test_who_follows_hears_of_new_posts(stage_5: None) -> None:
    """Broken: no notification, one too many, or one for who does not follow."""
    author, follower, other = new_member("Author"), new_member("Follower"), new_member("Other")
    address = f"/api/users/me/following/{author.id}"
    assert follower.client.get(address).json() == {"following": False}
    assert [follower.client.put(address).status_code for _ in range(2)] == [204, 204]
    assert follower.client.get(address).json() == {"following": True}
    assert author.client.put(address).status_code == 422
    assert follower.client.put("/api/users/me/following/99999999").status_code == 404
    posts = [write(author, f"News {n}") for n in range(5)]

    def told() -> None:
        inbox = follower.client.get("/api/notifications").json()
        # Several are told at a time: the order of arrival is not that of writing.
        assert sorted(item["post"]["id"] for item in inbox["items"]) == posts
        assert inbox["unread"] == 5

    eventually(told, within_s=30)
    answer = follower.client.get("/api/notifications", params={"limit": 2})
    assert answer.headers["cache-control"] == "private, no-store"
    first = answer.json()
    cursor = first["next_cursor"]
    rest = follower.client.get("/api/notifications", params={"cursor": cursor}).json()
    ids = [item["id"] for item in first["items"] + rest["items"]]
    assert ids == sorted(set(ids), reverse=True)
    assert len(ids) == 5
    assert first["items"][0]["author"] == {"id": author.id, "name": "Author"}

    assert follower.client.put("/api/notifications/read", json={"up_to": ids[2]}).status_code == 204
    inbox = follower.client.get("/api/notifications").json()
    assert [item["read"] for item in inbox["items"]] == [False, False, True, True, True]
    assert inbox["unread"] == 2

    assert other.client.get("/api/notifications").json()["items"] == []
    assert follower.client.delete(address).status_code == 204
    assert follower.client.get(address).json() == {"following": False}
    assert httpx.get(f"{ENTRY}/api/notifications", timeout=20).status_code == 401


def write(author: Member, title: str) -> int:
    """Write a post; → its id."""
    answer = author.client.post("/api/posts", json={"title": title, "body": "b"})
    assert answer.status_code == 201, answer.text
    post: int = answer.json()["id"]
    return post


def test_ten_thousand_followers_are_told_once_whoever_dies(stage_5: None) -> None:
    """Broken: who dies in the middle leaves followers untold, or tells them twice."""
    author = new_member("Popular")
    sql(
        "INSERT INTO follows (author_id, follower_id) "
        f"SELECT {author.id}, id FROM users WHERE id <> {author.id} ORDER BY id LIMIT {FOLLOWERS}"
    )
    post = write(author, "To all of you")
    kills = 0

    def told() -> int:
        return int(sql(f"SELECT count(*) FROM notifications WHERE post_id = {post}"))

    def more_than(share: float) -> None:
        assert told() > share * FOLLOWERS

    for share in (0.1, 0.4):
        eventually(partial(more_than, share), within_s=60, every_s=0.02)
        kills += told() < FOLLOWERS
        must("docker", "kill", container("worker"))
        must("docker", "start", container("worker"))

    def all_of_them() -> None:
        assert told() == FOLLOWERS

    eventually(all_of_them, within_s=120)
    assert kills, "all were told before the first kill: nothing was shown"
    # A transaction tells a thousand: no long one holds, and none is done twice.
    chunks = "SELECT count(DISTINCT xmin::text) FROM notifications WHERE post_id = "
    assert int(sql(chunks + str(post))) == FOLLOWERS // 1000
    doubles = "SELECT count(*) - count(DISTINCT member_id) FROM notifications WHERE post_id = "
    assert sql(doubles + str(post)) == "0"


@dataclass
class Readers:
    """Who read one post again and again; of the `unanswered` it is unknown whether they counted."""

    post: int
    answered: int = 0
    unanswered: int = 0
    stop: threading.Event = field(default_factory=threading.Event)
    counting: threading.Lock = field(default_factory=threading.Lock)

    def keep_reading(self) -> None:
        """Read until told to stop."""
        with httpx.Client(base_url=ENTRY, timeout=20) as client:
            while not self.stop.wait(0.02):
                try:
                    good = client.get(f"/api/posts/{self.post}").status_code == 200
                except httpx.HTTPError:
                    good = False
                with self.counting:
                    self.answered += good
                    self.unanswered += not good

    def views(self) -> int:
        """How many are written."""
        return int(sql(f"SELECT views FROM posts WHERE id = {self.post}"))

    def more_than(self, before: int) -> None:
        """Check that more are written."""
        assert self.views() > before


def test_views_are_counted_whoever_dies(member: Member) -> None:
    """Broken: views are lost, or counted twice, when Redis or the worker is killed."""
    readers = Readers(write(member, "Watched"))
    victims = ("worker", "redis", "worker", "redis")
    with ThreadPoolExecutor(READERS) as pool:
        reading = [pool.submit(readers.keep_reading) for _ in range(READERS)]
        try:
            for victim in victims:
                eventually(partial(readers.more_than, readers.views()), within_s=60)
                must("docker", "kill", container(victim))
                must("docker", "start", container(victim))
                wait_healthy(victim)
        finally:
            readers.stop.set()
        for one in reading:
            one.result()
    # Whoever is being counted when Redis dies may be counted both ways, and so may those whose
    # patience with it ends before it is left alone: a few for each kill.
    most = readers.answered + readers.unanswered + victims.count("redis") * READERS * 2

    def all_of_them() -> int:
        views = readers.views()
        assert views >= readers.answered
        return views

    views = eventually(all_of_them, within_s=60)
    print(f"{readers.answered} read, {readers.unanswered} unanswered, {views} counted, ≤ {most}")
    assert readers.answered > 100
    assert views <= most
    assert int(sql("SELECT count(*) FROM handled_jobs WHERE kind = 'write_views'")) > 0
