"""Members: sign up, show a profile, change one's own name."""

from datetime import datetime

from fastapi import Request, Response
from pydantic import BaseModel

from app import fields, outbox, replies
from app.errors import EmailTaken, NotFound, NotYours
from app.parts import Parts, parts_of
from jobs import WelcomeEmail, envelope


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
       (SELECT count(*) FROM posts WHERE author_id = users.id) AS post_count
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

    async def load(*, primary: bool) -> bytes | None:
        rows = await parts.db.read(PROFILE, {"id": user_id}, primary=primary)
        return replies.encode(rows[0]._asdict()) if rows else None

    body = await parts.cache.get(
        f"user:{user_id}",
        load,
        ttl_s=parts.settings.cache_user_ttl_s,
        primary=parts.own_writes.just_wrote(request),
        bypass=parts.own_writes.unknown_to_cache(request),
    )
    if body is None:
        raise NotFound
    return replies.validated(request, body)


async def sign_up(request: Request, new: NewMember) -> Response:
    """Become a member. A welcome mail follows."""
    parts = parts_of(request)
    job = envelope.new(WelcomeEmail(email=new.email, name=new.name))
    values = {
        "email": new.email,
        "name": new.name,
        "password_hash": await parts.passwords.hash(new.password),
        **outbox.values(job),
    }
    rows = await parts.db.write(CREATE, values, {"users_email_key": EmailTaken})
    member = rows[0]._asdict()
    await parts.outbox.committed(job)
    response = await _written(parts, member["id"], replies.encode(member), 201)
    response.headers["location"] = f"/api/users/{member['id']}"
    return response


async def rename(request: Request, user_id: fields.Id, change: Renaming) -> Response:
    """Change one's own name."""
    parts = parts_of(request)
    if await parts.sessions.member(request) != user_id:
        raise NotYours
    rows = await parts.db.write(RENAME, {"id": user_id, "name": change.name})
    if not rows:
        raise NotFound
    return await _written(parts, user_id, replies.encode(rows[0]._asdict()), 200)


async def _written(parts: Parts, user_id: int, body: bytes, status: int) -> Response:
    # After the commit, never before: a reader in between would fill the old value again.
    told = await parts.cache.invalidate(f"user:{user_id}")
    response = replies.private(body, status)
    await parts.own_writes.mark(response, told_cache=told)
    return response
