"""Sessions: a signed cookie, no table.

Whoever has a key can read and make them, so a member who logs in on one web replica is known on
all, and a replica that dies takes no session along (docs/sessions.md compares).

The cookie carries the member's id and generation. Logging out removes the cookie from one browser;
logging out everywhere raises the generation in the member's row, and every cookie of an older one
counts no longer, copies included. Only calls that need a member look at it: by the key
`session:ID`, or without a cache by a row of the primary.
"""

import hashlib

import orjson
from fastapi import Request, Response
from itsdangerous import BadSignature, TimestampSigner, URLSafeTimedSerializer
from pydantic import BaseModel

from app import fields, replies
from app.cache import Cache
from app.database import PRIMARY, Database
from app.errors import NotLoggedIn, WrongCredentials
from app.parts import parts_of
from app.settings import Settings


class Credentials(fields.Input):
    """What a member logs in with."""

    email: fields.Email
    password: fields.Password


class LoggedIn(BaseModel):
    """Who is logged in now."""

    id: int
    email: str
    name: str


# --- questions ---

# Who has this e-mail? Served by users_email_key.
MEMBER_BY_EMAIL = """
SELECT id, email, name, password_hash, session_generation FROM users WHERE email = %(email)s
"""

# Which sessions of a member count? Those of this generation. users_pkey.
GENERATION = "SELECT session_generation AS generation FROM users WHERE id = %(id)s"

# None of those that there are until now. users_pkey.
NEXT_GENERATION = "UPDATE users SET session_generation = session_generation + 1 WHERE id = %(id)s"


# --- calls ---


async def log_in(request: Request, credentials: Credentials) -> Response:
    """Log in: the answer sets the cookie `session`."""
    parts = parts_of(request)
    # The primary: a member who has just signed up must be able to log in at once.
    rows = await parts.db.read(MEMBER_BY_EMAIL, {"email": credentials.email}, after=PRIMARY)
    member = rows[0] if rows else None
    stored = member.password_hash if member else None
    if not await parts.passwords.match(credentials.password, stored) or member is None:
        raise WrongCredentials
    answer = {"id": member.id, "email": member.email, "name": member.name}
    response = replies.private(replies.encode(answer), 201)
    parts.sessions.begin(response, member.id, member.session_generation)
    return response


async def log_out(request: Request) -> Response:
    """Log out: the answer removes the cookie. Nothing happens to who is not logged in."""
    response = replies.nothing()
    parts_of(request).sessions.end(response)
    return response


async def log_out_everywhere(request: Request) -> Response:
    """Log out in all browsers: no session of this member that began before now counts any more."""
    parts = parts_of(request)
    member_id = await parts.sessions.member(request)
    await parts.db.write(NEXT_GENERATION, {"id": member_id})
    # After the commit, never before: a reader in between would fill the old generation again.
    await parts.cache.invalidate(_key(member_id))
    response = replies.nothing()
    parts.sessions.end(response)
    return response


# --- the cookie ---


class Sessions:
    """Makes and reads the cookie."""

    def __init__(self, db: Database, cache: Cache, settings: Settings) -> None:
        self._db = db
        self._cache = cache
        self._ttl_s = settings.cache_session_ttl_s
        self._signed = URLSafeTimedSerializer(
            keys(settings), salt="session", signer_kwargs={"digest_method": hashlib.sha256}
        )
        self._max_age_s = settings.session_max_age_s
        self._secure = settings.session_cookie_secure
        # A browser takes a cookie of the second name only over https, from this very host, for all
        # of its paths (RFC 6265bis, 4.1.3): no neighbouring host can put one there.
        self._cookie = "__Host-session" if self._secure else "session"

    def begin(self, response: Response, member_id: int, generation: int) -> None:
        """Let the answer's receiver be known as this member."""
        response.set_cookie(
            self._cookie,
            str(self._signed.dumps([member_id, generation])),
            max_age=self._max_age_s,
            httponly=True,
            samesite="lax",
            secure=self._secure,
        )

    def end(self, response: Response) -> None:
        """Let the answer's receiver be nobody again."""
        response.delete_cookie(self._cookie, httponly=True, samesite="lax", secure=self._secure)

    async def member(self, request: Request) -> int:
        """The id of the member who sent this.

        Raises:
            NotLoggedIn: no cookie, or one that is too old, not ours, or logged out everywhere.
            DatabaseUnavailable: nobody could tell which generation counts.
        """
        try:
            content = self._signed.loads(request.cookies[self._cookie], max_age=self._max_age_s)
            member_id, generation = content
        except (KeyError, BadSignature, TypeError, ValueError) as error:
            raise NotLoggedIn from error
        found = await self._generation(member_id)
        # A newer one than we know is no forgery, it is signed: the cache has yet to hear of it.
        if found is None or generation < found:
            raise NotLoggedIn
        return int(member_id)

    async def _generation(self, member_id: int) -> int | None:
        """The generation whose sessions count; None when there is no such member."""

        async def load(after: int) -> bytes | None:
            rows = await self._db.read(GENERATION, {"id": member_id}, after=after)
            return replies.encode(rows[0]._asdict()) if rows else None

        # The primary, always: what a lagging replica says would open what was just closed.
        body = await self._cache.get(_key(member_id), load, ttl_s=self._ttl_s, after=PRIMARY)
        return None if body is None else int(orjson.loads(body)["generation"])


def _key(member_id: int) -> str:
    return f"session:{member_id}"


def keys(settings: Settings) -> list[str]:
    """All keys, the one that signs last, as itsdangerous wants them.

    Raises:
        ValueError: `SESSION_KEYS` names none.
    """
    found = [key.strip() for key in (settings.session_keys or "").split(",") if key.strip()]
    if not found:
        raise ValueError("SESSION_KEYS is not set: sessions could be forged or lost at a restart")
    return found[::-1]


def stamper(settings: Settings) -> TimestampSigner:
    """A signer for short-lived marks, with keys of its own, made of those of the sessions.

    Made here once: itsdangerous would derive them again for each mark.
    """
    derived = [hashlib.sha256(b"written" + key.encode()).digest() for key in keys(settings)]
    return TimestampSigner(derived, key_derivation="none", digest_method=hashlib.sha256)
