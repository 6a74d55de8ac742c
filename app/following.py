"""Members follow members, and hear of what those write."""

from fastapi import Request, Response
from pydantic import BaseModel

from app import fields, replies
from app.errors import FollowsOneself, NotFound, NotLoggedIn
from app.parts import Parts, parts_of


class Following(BaseModel):
    """Whether one follows that member."""

    following: bool


# --- questions ---

# Follow; doing so again changes nothing. No row when there is no such author: users_pkey,
# follows_pkey.
FOLLOW = """
WITH author AS (SELECT id FROM users WHERE id = %(author_id)s),
     follow AS (
         INSERT INTO follows (author_id, follower_id) SELECT id, %(member_id)s FROM author
         ON CONFLICT DO NOTHING
     )
SELECT id FROM author
"""
_VIOLATIONS = {
    "follows_not_oneself": FollowsOneself,
    "follows_follower_id_fkey": NotLoggedIn,  # a session that outlived its member
}

# follows_pkey
UNFOLLOW = "DELETE FROM follows WHERE author_id = %(author_id)s AND follower_id = %(member_id)s"

# Does the member follow that one? follows_pkey.
FOLLOWS = """
SELECT EXISTS (
    SELECT FROM follows WHERE author_id = %(author_id)s AND follower_id = %(member_id)s
) AS following
"""


# --- calls ---


async def follow(request: Request, user_id: fields.Id) -> Response:
    """Follow a member: the next posts come to one's notifications."""
    parts = parts_of(request)
    values = {"author_id": user_id, "member_id": await parts.sessions.member(request)}
    if not await parts.db.write(FOLLOW, values, _VIOLATIONS):
        raise NotFound
    return await _done(parts)


async def unfollow(request: Request, user_id: fields.Id) -> Response:
    """Follow a member no more."""
    parts = parts_of(request)
    values = {"author_id": user_id, "member_id": await parts.sessions.member(request)}
    await parts.db.write(UNFOLLOW, values)
    return await _done(parts)


async def show(request: Request, user_id: fields.Id) -> Response:
    """Whether one follows a member."""
    parts = parts_of(request)
    values = {"author_id": user_id, "member_id": await parts.sessions.member(request)}
    after = (await parts.own_writes.of(request)).after
    rows = await parts.db.read(FOLLOWS, values, after=after)
    return replies.private(replies.encode(rows[0]._asdict()))


async def _done(parts: Parts) -> Response:
    response = replies.nothing()
    await parts.own_writes.settle(response)
    return response
