"""Posts: write one, read one (which counts a view), page through them, the ten most viewed."""

import uuid
from datetime import datetime
from typing import Any

from fastapi import Request, Response
from pydantic import BaseModel

from app import cursor, fields, outbox, replies, timing
from app.cache import Made
from app.database import Rows
from app.errors import NotFound, NotLoggedIn
from app.parts import parts_of
from jobs import FanOutPost


class NewPost(fields.Input):
    """What a member writes."""

    title: fields.Line200
    body: fields.Body


class Author(BaseModel):
    """Who wrote it."""

    id: int
    name: str


class PostSummary(BaseModel):
    """A post in a list."""

    id: int
    title: str
    views: int
    created_at: datetime
    author: Author


class Post(PostSummary):
    """A post, whole."""

    body: str


class Page(BaseModel):
    """A page of a list; `next_cursor` is null on the last one."""

    items: list[PostSummary]
    next_cursor: str | None


class Popular(BaseModel):
    """The ten most viewed posts."""

    items: list[PostSummary]


PAGE_SIZE = 20
_EMPTY_PAGE = replies.encode({"items": [], "next_cursor": None})

# --- questions ---

_SUMMARY = """
SELECT posts.id, posts.title, posts.views, posts.created_at,
       users.id AS author_id, users.name AS author_name
FROM posts JOIN users ON users.id = posts.author_id
"""

# The newest posts below an id: posts_pkey backwards, users_pkey for each author.
NEWEST = _SUMMARY + "WHERE posts.id < %(below)s ORDER BY posts.id DESC LIMIT %(limit)s"

# The same of one author: posts_author_id_id_idx.
NEWEST_OF_AUTHOR = (
    _SUMMARY
    + "WHERE posts.author_id = %(author_id)s AND posts.id < %(below)s"
    + " ORDER BY posts.id DESC LIMIT %(limit)s"
)

# The most viewed: the first ten entries of posts_views_id_idx.
POPULAR = _SUMMARY + "ORDER BY posts.views DESC, posts.id DESC LIMIT 10"

# One post: posts_pkey, users_pkey.
POST = """
SELECT posts.id, posts.title, posts.body, posts.views, posts.created_at,
       users.id AS author_id, users.name AS author_name
FROM posts JOIN users ON users.id = posts.author_id WHERE posts.id = %(id)s
"""

# A new post and, when somebody follows its author, the job that tells them. No row when the author
# is no member any more. users_pkey, follows_pkey.
CREATE = """
WITH author AS (SELECT id, name FROM users WHERE id = %(author_id)s),
     post AS (
         INSERT INTO posts (author_id, title, body)
         SELECT id, %(title)s, %(body)s FROM author
         RETURNING id, title, body, views, created_at
     ),
     job AS (
         INSERT INTO outbox (id, kind, version, payload, request_id)
         SELECT %(job_id)s, %(job_kind)s, %(job_version)s,
                jsonb_build_object('post_id', post.id, 'author_id', author.id, 'after', 0),
                %(job_request_id)s::text
         FROM post, author
         WHERE EXISTS (SELECT FROM follows WHERE follows.author_id = %(author_id)s)
         RETURNING id
     )
SELECT post.*, author.id AS author_id, author.name AS author_name,
       EXISTS (SELECT FROM job) AS is_followed
FROM post, author
"""


# --- calls ---


async def popular(request: Request) -> Response:
    """The ten most viewed posts."""
    parts = parts_of(request)

    async def load(after: int) -> bytes | None:
        rows = await parts.db.read(POPULAR, {}, after=after)
        return replies.encode({"items": [_told(row._asdict()) for row in rows]})

    body = await parts.cache.get("posts:popular", load, ttl_s=parts.settings.cache_popular_ttl_s)
    assert body is not None
    return replies.shared(request, body)


async def show(request: Request, post_id: fields.Id) -> Response:
    """One post. Reading it counts as a view."""
    parts = parts_of(request)

    async def load(after: int) -> bytes | None:
        rows = await parts.db.read(POST, {"id": post_id}, after=after)
        return replies.encode(_told(rows[0]._asdict())) if rows else None

    after, bypass = await parts.own_writes.of(request)
    body = await parts.cache.get(
        f"post:{post_id}",
        load,
        ttl_s=parts.settings.cache_post_ttl_s,
        after=after,
        bypass=bypass,
    )
    if body is None:
        raise NotFound
    await parts.views.count(post_id)
    return replies.validated(request, body)


async def newest(
    request: Request, cursor: fields.CursorText = None, limit: fields.Limit = PAGE_SIZE
) -> Response:
    """The newest posts, page by page."""
    return await _page(request, None, cursor, limit)


async def newest_of_author(
    request: Request,
    user_id: fields.Id,
    cursor: fields.CursorText = None,
    limit: fields.Limit = PAGE_SIZE,
) -> Response:
    """A member's newest posts, page by page; empty for who is no member."""
    return await _page(request, user_id, cursor, limit)


async def write(request: Request, new: NewPost) -> Response:
    """Write a post. Those who follow its author are notified."""
    parts = parts_of(request)
    author_id = await parts.sessions.member(request)
    job_id = uuid.uuid7()
    values = {
        "author_id": author_id,
        "title": new.title,
        "body": new.body,
        "job_id": job_id,
        "job_kind": FanOutPost.kind,
        "job_version": FanOutPost.version,
        "job_request_id": timing.current().request_id,
    }
    # Whose post count, and which pages, will be others.
    keys = (f"user:{author_id}", key_of_newest(author_id), key_of_newest())
    mark = await parts.cache.announce(*keys)
    rows = await parts.db.write(CREATE, values)
    if not rows:
        raise NotLoggedIn
    post = _told(rows[0]._asdict())
    if post.pop("is_followed"):
        job = FanOutPost(post_id=post["id"], author_id=author_id)
        await parts.outbox.committed(outbox.new(job, job_id))
    body = replies.encode(post)
    response = replies.private(body, 201)
    response.headers["location"] = f"/api/posts/{post['id']}"
    # It may have been asked for before it was there; the first to ask now is mostly its author.
    made = Made(f"post:{post['id']}", body, parts.settings.cache_post_ttl_s)
    await parts.own_writes.settle(response, *keys, mark=mark, made=made)
    return response


def key_of_newest(author_id: int | None = None) -> str:
    """Under which key the first page of the newest posts is cached: of all, or of one author."""
    return f"newest_of:{author_id}" if author_id else "newest:all"


async def _page(request: Request, author_id: int | None, after: str | None, limit: int) -> Response:
    """A page. Through the cache it goes in the size that comes when none is said.

    Other sizes would be as many keys again for the same posts, asked for by few.
    """
    parts = parts_of(request)
    sql = NEWEST_OF_AUTHOR if author_id else NEWEST
    below = cursor.decode(after)
    # One more than asked for: it tells whether there is a next page, without counting.
    values = {"author_id": author_id, "below": below, "limit": limit + 1}

    async def load(position: int) -> bytes | None:
        rows = await parts.db.read(sql, values, after=position)
        return replies.encode(_paged(rows, limit)) if rows else None

    position, bypass = await parts.own_writes.of(request)
    settings = parts.settings
    key = key_of_newest(author_id)
    ttl_s = settings.cache_member_page_ttl_s if author_id else settings.cache_page_ttl_s
    if after is not None:
        # No write knows on which later pages its author is: they live briefly, and whoever has
        # just written is told by the database.
        key, ttl_s = f"{key}:{below}", settings.cache_later_page_ttl_s
        bypass = bypass or position > 0
    if limit == PAGE_SIZE:
        body = await parts.cache.get(key, load, ttl_s=ttl_s, after=position, bypass=bypass)
    else:
        body = await load(position)
    return replies.shared(request, body or _EMPTY_PAGE)


def _paged(rows: Rows, limit: int) -> dict[str, Any]:
    items = [_told(row._asdict()) for row in rows[:limit]]
    more = len(rows) > limit
    return {"items": items, "next_cursor": cursor.encode(items[-1]["id"]) if more else None}


def _told(row: dict[str, Any]) -> dict[str, Any]:
    """A row with its author's columns as an object."""
    author = {"id": row.pop("author_id"), "name": row.pop("author_name")}
    return {**row, "author": author}
