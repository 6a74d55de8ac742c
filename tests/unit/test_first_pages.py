"""Promises of `app/posts.py` and `app/users.py` about the cache: the whole app over a real Redis.

The database is played by a table in memory, which answers the application's own statements.
"""

import asyncio
from collections import Counter, namedtuple
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from typing import Any
from unittest.mock import AsyncMock

import orjson
import pytest
from fastapi import Response

from app import cursor, main, posts, sessions, users
from app.database import Database
from app.own_writes import OwnWrites, Written
from app.pools import Pool
from app.settings import Settings
from tests.unit.asgi import Answer, asked
from tests.unit.redis_server import RedisServer

NOW = datetime(2026, 1, 1, tzinfo=UTC)
MEMBER = 1
NEWEST, PAGE_OF_MEMBER = "/api/posts", f"/api/users/{MEMBER}/posts"
LATER = f"{NEWEST}?cursor={cursor.encode(7)}"


def rows(*found: dict[str, Any]) -> list[Any]:
    """Rows as psycopg makes them."""
    return [namedtuple("Row", each)(**each) for each in found]  # noqa: PYI024


class Tables:
    """Members and posts. `asked` counts the statements that read."""

    def __init__(self) -> None:
        self.names = {MEMBER: "Ann", 2: "Ben"}
        self.posts: list[dict[str, Any]] = []
        self.asked: Counter[str] = Counter()

    async def send(
        self, _db: Database, _pool: Pool, sql: str, values: Any, *, after: int = 0
    ) -> list[Any]:
        """Answer one statement."""
        assert after >= 0
        if sql == posts.CREATE:
            new = {"title": values["title"], "body": values["body"], "views": 0}
            post = {"id": len(self.posts) + 1, **new, "created_at": NOW}
            self.posts.append({**post, "author_id": values["author_id"]})
            return rows({**self._whole(self.posts[-1]), "is_followed": False})
        if sql == users.CREATE:
            member_id = max(self.names) + 1
            self.names[member_id] = values["name"]
            named = {"id": member_id, "email": values["email"], "name": values["name"]}
            return rows({**named, "created_at": NOW})
        if sql == users.RENAME:
            self.names[values["id"]] = values["name"]
            return rows(
                {"id": values["id"], "email": "", "name": values["name"], "created_at": NOW}
            )
        if sql == sessions.GENERATION:
            return rows({"generation": 0})
        self.asked[sql] += 1
        return self._read(sql, values)

    def _read(self, sql: str, values: Any) -> list[Any]:
        if sql == users.PROFILE:
            count = sum(post["author_id"] == values["id"] for post in self.posts)
            if values["id"] not in self.names:
                return []
            profile = {"id": values["id"], "name": self.names[values["id"]], "created_at": NOW}
            return rows({**profile, "post_count": count, "avatar": None})
        wanted = [self._whole(post) for post in reversed(self.posts)]
        if sql == posts.POST:
            return rows(*(post for post in wanted if post["id"] == values["id"]))
        assert sql in {posts.NEWEST, posts.NEWEST_OF_AUTHOR}
        return rows(
            *(
                {name: value for name, value in post.items() if name != "body"}
                for post in wanted
                if post["id"] < values["below"]
                and (sql == posts.NEWEST or post["author_id"] == values["author_id"])
            )
        )[: values["limit"]]

    def _whole(self, post: dict[str, Any]) -> dict[str, Any]:
        names = ("id", "title", "body", "views", "created_at", "author_id")
        return {**{n: post[n] for n in names}, "author_name": self.names[post["author_id"]]}


type Ask = Callable[..., Awaitable[Answer]]
type Story = Callable[[Ask, Tables], Awaitable[None]]


@pytest.fixture
def tell(
    settings: Settings, redis: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> Callable[[Story], None]:
    """Tells a story of a whole application and its tables; `ask(…, member=1)` is logged in."""
    near = {"cache_url": redis.url, "cache_timeout_s": 10, "cache_wait_s": 20, "access_log": False}
    with_cache = settings.model_copy(update=near)
    tables, furnish = Tables(), main.furnish

    async def send(*about: Any, after: int = 0) -> list[Any]:
        return await tables.send(*about, after=after)

    monkeypatch.setattr(Database, "_send", send)

    def tell(story: Story) -> None:
        async def whole() -> None:
            parts = furnish("web-1", with_cache)
            monkeypatch.setattr(main, "furnish", lambda *_: parts)
            app, _ = main.assemble(with_cache)

            async def ask(
                path: str, method: str = "GET", member: int | None = None, **body: str
            ) -> Answer:
                headers = {"content-type": "application/json"} if body else {}
                content = orjson.dumps(body) if body else b""
                headers |= {"content-length": str(len(content))} if body else {}
                if member:
                    told = Response()
                    parts.sessions.begin(told, member, 0)
                    headers["cookie"] = told.headers["set-cookie"].partition(";")[0]
                return await asked(app, path, method=method, headers=headers, chunks=(content,))

            try:
                await story(ask, tables)
            finally:
                parts.passwords.close()
                await parts.cache.close()

        asyncio.run(whole())

    return tell


def titles(page: Answer) -> Sequence[str]:
    """The titles of a page."""
    return [post["title"] for post in orjson.loads(page.body)["items"]]


@pytest.mark.parametrize("path", [NEWEST, PAGE_OF_MEMBER])
def test_a_first_page_is_read_once_and_a_new_post_is_on_it_at_once(
    tell: Callable[[Story], None], path: str
) -> None:
    """Broken: the page that all see is read for each of them; or a new post is missing from it."""

    async def story(ask: Ask, tables: Tables) -> None:
        for n in range(1, 4):
            new = {"title": f"Post {n}", "body": "b"}
            assert (await ask("/api/posts", "POST", MEMBER, **new)).status == 201
            for member in (MEMBER, 2, None, None):
                page = await ask(path, member=member)
                assert titles(page) == [f"Post {i}" for i in range(n, 0, -1)]
            assert page.headers["server-timing"].startswith("cache;desc=hit")
            assert tables.asked.total() == n

    tell(story)


def test_other_sizes_are_not_kept(tell: Callable[[Story], None]) -> None:
    """Broken: whoever makes up sizes fills Redis with the same posts a hundred times."""

    async def story(ask: Ask, tables: Tables) -> None:
        for n in (1, 2):
            await ask(f"{NEWEST}?limit=5")
            await ask(f"{LATER}&limit=5")
            assert tables.asked.total() == 2 * n

    tell(story)


@pytest.mark.parametrize("path", [NEWEST, PAGE_OF_MEMBER])
def test_a_later_page_is_kept_briefly(
    tell: Callable[[Story], None], redis: RedisServer, path: str
) -> None:
    """Broken: who turns the page costs a statement each time; or sees a former name for long."""

    async def story(ask: Ask, tables: Tables) -> None:
        for n in range(posts.PAGE_SIZE + 2):
            await ask("/api/posts", "POST", MEMBER, title=f"Post {n}", body="b")
        later = f"{path}?cursor={orjson.loads((await ask(path)).body)['next_cursor']}"
        for _ in range(3):
            assert titles(await ask(later)) == ["Post 1", "Post 0"]
        assert tables.asked.total() == 2
        (name,) = redis.ask("KEYS", "newest*:3:v3")
        assert 0 < redis.ask("PTTL", name) <= 90_000

    tell(story)


def test_who_has_just_written_sees_it_on_later_pages(
    tell: Callable[[Story], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Broken: members change their name, and see the old one on a page that others have read."""

    async def story(ask: Ask, _tables: Tables) -> None:
        await ask("/api/posts", "POST", MEMBER, title="t", body="b")
        later = f"{NEWEST}?cursor={cursor.encode(2)}"
        await ask(later)
        await ask(f"/api/users/{MEMBER}", "PATCH", MEMBER, name="Anna")
        monkeypatch.setattr(OwnWrites, "of", AsyncMock(return_value=Written(after=1)))
        (post,) = orjson.loads((await ask(later)).body)["items"]
        assert post["author"]["name"] == "Anna"

    tell(story)


def test_a_page_is_the_same_by_whichever_way_it_is_found(tell: Callable[[Story], None]) -> None:
    """Broken: the first page, which has a way of its own, overlooks what is asked of it."""

    async def story(ask: Ask, _tables: Tables) -> None:
        for n in range(3):
            await ask("/api/posts", "POST", MEMBER, title=f"Post {n}", body="b")
        assert titles(await ask(NEWEST)) == titles(await ask(f"{NEWEST}?n=1"))
        assert titles(await ask(f"{NEWEST}?limit=2")) == ["Post 2", "Post 1"]
        assert (await ask(f"{NEWEST}?cursor=nonsense")).status == 400
        assert (await ask(f"{NEWEST}?limit=0")).status == 422

    tell(story)


def test_a_page_without_posts_is_kept_briefly(
    tell: Callable[[Story], None], redis: RedisServer
) -> None:
    """Broken: whoever makes up ids has the database at his mercy, or fills Redis for minutes."""

    async def story(ask: Ask, tables: Tables) -> None:
        for _ in range(3):
            page = await ask("/api/users/99/posts")
            assert orjson.loads(page.body) == {"items": [], "next_cursor": None}
        assert tables.asked.total() == 1
        assert 0 < redis.ask("PTTL", "newest_of:99:v3") <= 11_000

    tell(story)


def test_a_new_name_is_on_the_first_pages_at_once(tell: Callable[[Story], None]) -> None:
    """Broken: a member changes the name, and the own posts still tell the old one."""

    async def story(ask: Ask, _tables: Tables) -> None:
        await ask("/api/posts", "POST", MEMBER, title="t", body="b")
        for name in ("Anna", "Anne"):
            await ask(NEWEST), await ask(PAGE_OF_MEMBER)
            await ask(f"/api/users/{MEMBER}", "PATCH", MEMBER, name=name)
            for path in (NEWEST, PAGE_OF_MEMBER):
                (post,) = orjson.loads((await ask(path)).body)["items"]
                assert post["author"]["name"] == name

    tell(story)


def test_a_new_post_is_kept_as_a_load_would_find_it(
    tell: Callable[[Story], None], redis: RedisServer
) -> None:
    """Broken: the read that follows a write is a miss; or it is another answer than later ones."""

    async def story(ask: Ask, tables: Tables) -> None:
        written = await ask("/api/posts", "POST", MEMBER, title="t", body="b")
        assert written.status == 201, written.body
        path = written.headers["location"]
        at_once = await ask(path)
        assert at_once.headers["server-timing"].startswith("cache;desc=hit")
        assert not tables.asked
        redis.ask("FLUSHALL")
        loaded = await ask(path)
        assert tables.asked.total() == 1
        assert (loaded.body, loaded.headers["etag"]) == (at_once.body, at_once.headers["etag"])

    tell(story)


def test_a_member_is_found_as_soon_as_there_is_one(tell: Callable[[Story], None]) -> None:
    """Broken: somebody guessed the next id, and the new member is told not to exist."""

    async def story(ask: Ask, tables: Tables) -> None:
        path = f"/api/users/{max(tables.names) + 1}"
        assert (await ask(path)).status == 404
        new = {"email": "c@example.com", "name": "Cy", "password": "a-long-password"}
        written = await ask("/api/users", "POST", **new)
        assert written.headers["location"] == path
        assert orjson.loads((await ask(path)).body)["name"] == "Cy"

    tell(story)


def test_an_authors_profile_counts_a_new_post_at_once(tell: Callable[[Story], None]) -> None:
    """Broken: a member writes, and the profile does not know of it for an hour."""

    async def story(ask: Ask, _tables: Tables) -> None:
        for n in (1, 2):
            await ask("/api/posts", "POST", MEMBER, title="t", body="b")
            for _ in range(2):
                profile = await ask(f"/api/users/{MEMBER}")
                assert orjson.loads(profile.body)["post_count"] == n

    tell(story)
