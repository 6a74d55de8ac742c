"""Members: sign up, show a profile, change one's own name."""

from datetime import datetime
from typing import Any

from fastapi import Request, Response
from pydantic import BaseModel

from app import avatars, fields, outbox, posts, replies
from app.errors import EmailTaken, NotFound, NotYours
from app.parts import parts_of
from jobs import WelcomeEmail


class NewMember(fields.Input):
    """What a visitor signs up with."""

    email: fields.Email
    name: fields.Line80
    password: fields.NewPassword


class Member(BaseModel):
    """A member, as told to the member."""

    id: int
    email: str
    name: str
    created_at: datetime


class Renaming(fields.Input):
    """What a member may change."""

    name: fields.Line80


class Profile(BaseModel):
    """A member, as told to everybody: without the e-mail."""

    id: int
    name: str
    created_at: datetime
    post_count: int
    avatar: dict[str, str] | None


# --- questions ---

# A new member and the job that welcomes them, in one statement: both are there or neither is.
CREATE = (
    "WITH job AS ("
    + outbox.INSERT
    + """)
INSERT INTO users (email, name, password_hash)
VALUES (%(email)s, %(name)s, %(password_hash)s)
RETURNING id, email, name, created_at
"""
)

# Who is this, with how many posts? users_pkey, and posts_author_id_id_idx alone for the count.
PROFILE = """
SELECT id, name, created_at,
       (SELECT count(*) FROM posts WHERE author_id = users.id) AS post_count, avatar
FROM users WHERE id = %(id)s
"""

# Change a name; users_pkey. No row when there is no such member.
RENAME = """
UPDATE users SET name = %(name)s, updated_at = now() WHERE id = %(id)s
RETURNING id, email, name, created_at
"""


# --- calls ---


async def show(request: Request, user_id: fields.Id) -> Response:
    """A member's public profile."""
    parts = parts_of(request)

    async def load(after: int) -> bytes | None:
        rows = await parts.db.read(PROFILE, {"id": user_id}, after=after)
        return replies.encode(_told(rows[0]._asdict())) if rows else None

    after, bypass = await parts.own_writes.of(request)
    body = await parts.cache.get(
        f"user:{user_id}",
        load,
        ttl_s=parts.settings.cache_user_ttl_s,
        after=after,
        bypass=bypass,
    )
    if body is None:
        raise NotFound
    return replies.validated(request, body)


async def sign_up(request: Request, new: NewMember) -> Response:
    """Become a member. A welcome mail follows."""
    parts = parts_of(request)
    job = outbox.new(WelcomeEmail(email=new.email, name=new.name))
    values = {
        "email": new.email,
        "name": new.name,
        "password_hash": await parts.passwords.hash(new.password),
        **outbox.values(job),
    }
    rows = await parts.db.write(CREATE, values, {"users_email_key": EmailTaken})
    member = rows[0]._asdict()
    await parts.outbox.committed(job)
    response = replies.private(replies.encode(member), 201)
    response.headers["location"] = f"/api/users/{member['id']}"
    # Somebody may have asked for this member before there was one. The profile is not stored: there
    # is no id to announce before the write, and to announce something in its place is one more
    # command to Redis for each sign-up, to save one statement of those who are looked at.
    await parts.own_writes.settle(response, f"user:{member['id']}")
    return response


async def rename(request: Request, user_id: fields.Id, change: Renaming) -> Response:
    """Change one's own name."""
    parts = parts_of(request)
    if await parts.sessions.member(request) != user_id:
        raise NotYours
    # First pages of posts tell the author's name.
    keys = (f"user:{user_id}", posts.key_of_newest(user_id), posts.key_of_newest())
    # Before the write and after its commit: a reader in between would store the old name again.
    mark = await parts.cache.announce(*keys)
    rows = await parts.db.write(RENAME, {"id": user_id, "name": change.name})
    if not rows:
        raise NotFound
    response = replies.private(replies.encode(rows[0]._asdict()))
    await parts.own_writes.settle(response, *keys, mark=mark)
    return response


def _told(row: dict[str, Any]) -> dict[str, Any]:
    return {**row, "avatar": avatars.addresses(row["avatar"])}
