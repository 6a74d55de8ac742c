"""Notifications: a member's inbox, newest first. `worker/handlers/fan_out_post.py` fills it."""

from datetime import datetime
from typing import Any, Literal

from fastapi import Request, Response
from pydantic import BaseModel

from app import fields, replies
from app.cursor import decode, encode
from app.errors import NotLoggedIn
from app.parts import parts_of
from app.posts import Author

_UNREAD_MAX = 100  # counted up to here: "100" then means "100 or more"


class PostTitle(BaseModel):
    """What a notification is about."""

    id: int
    title: str


class Notification(BaseModel):
    """Somebody whom one follows wrote a post."""

    id: int
    kind: Literal["new_post"]
    created_at: datetime
    read: bool
    author: Author
    post: PostTitle


class Inbox(BaseModel):
    """A page of it. `unread` is of the whole inbox, counted up to 100."""

    items: list[Notification]
    next_cursor: str | None
    unread: int


class ReadUpTo(fields.Input):
    """The newest one that was read; those before it were as well."""

    up_to: fields.RowId


# --- questions ---

# A page of a member's inbox, and how much of it is unread: one row at least, which has no
# notification when the page is empty. notifications_pkey twice; users_pkey and posts_pkey for each
# notification. No row when the member is no more.
PAGE = """
WITH reader AS (SELECT id, notifications_read AS up_to FROM users WHERE id = %(member_id)s),
     unread AS (
         SELECT count(*) AS number FROM (
             SELECT FROM reader JOIN notifications ON notifications.member_id = reader.id
             AND notifications.id > reader.up_to LIMIT %(unread_max)s
         ) AS not_read
     )
SELECT unread.number AS unread, found.*
FROM reader CROSS JOIN unread LEFT JOIN LATERAL (
    SELECT page.id, page.kind, page.created_at, page.id <= reader.up_to AS read,
           users.id AS author_id, users.name AS author_name,
           posts.id AS post_id, posts.title AS post_title
    FROM (
        SELECT * FROM notifications WHERE member_id = reader.id AND id < %(below)s
        ORDER BY id DESC LIMIT %(limit)s
    ) AS page
    JOIN posts ON posts.id = page.post_id JOIN users ON users.id = posts.author_id
) AS found ON true
ORDER BY found.id DESC
"""

# What was read stays read. users_pkey.
READ = """
UPDATE users SET notifications_read = greatest(notifications_read, %(up_to)s)
WHERE id = %(member_id)s RETURNING id
"""


# --- calls ---


async def page(
    request: Request, cursor: fields.CursorText = None, limit: fields.Limit = 20
) -> Response:
    """One's own notifications, newest first, page by page."""
    parts = parts_of(request)
    values = {
        "member_id": await parts.sessions.member(request),
        "below": decode(cursor),
        "limit": limit + 1,  # one more than asked for tells whether there is a next page
        "unread_max": _UNREAD_MAX,
    }
    after = (await parts.own_writes.of(request)).after
    rows = await parts.db.read(PAGE, values, after=after)
    if not rows:
        raise NotLoggedIn
    found = [row._asdict() for row in rows if row.id is not None]
    return replies.private(replies.encode(_paged(found, limit) | {"unread": rows[0].unread}))


async def read(request: Request, told: ReadUpTo) -> Response:
    """Say that one has read everything up to a notification."""
    parts = parts_of(request)
    values = {"member_id": await parts.sessions.member(request), "up_to": told.up_to}
    if not await parts.db.write(READ, values):
        raise NotLoggedIn
    response = replies.nothing()
    await parts.own_writes.settle(response)
    return response


def _paged(found: list[dict[str, Any]], limit: int) -> dict[str, Any]:
    items = [_told(row) for row in found[:limit]]
    more = len(found) > limit
    return {"items": items, "next_cursor": encode(items[-1]["id"]) if more else None}


def _told(row: dict[str, Any]) -> dict[str, Any]:
    names = ("id", "kind", "created_at", "read")
    return {
        **{name: row[name] for name in names},
        "author": {"id": row["author_id"], "name": row["author_name"]},
        "post": {"id": row["post_id"], "title": row["post_title"]},
    }
