"""Sessions: a signed cookie, no table.

Whoever has a key can read and make them, so a member who logs in on one web replica is known on
all, and a replica that dies takes no session along. The price, stated: logging out removes the
cookie from the browser, but a copy of it stays valid until it is `session_max_age_s` old.
"""

import hashlib

from fastapi import Request, Response
from itsdangerous import BadSignature, TimestampSigner, URLSafeTimedSerializer
from pydantic import BaseModel

from app import fields, replies
from app.errors import NotLoggedIn, WrongCredentials
from app.parts import parts_of
from app.settings import Settings

_COOKIE = "session"


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
MEMBER_BY_EMAIL = "SELECT id, email, name, password_hash FROM users WHERE email = %(email)s"


# --- calls ---


async def log_in(request: Request, credentials: Credentials) -> Response:
    """Log in: the answer sets the cookie `session`."""
    parts = parts_of(request)
    # The primary: a member who has just signed up must be able to log in at once.
    rows = await parts.db.read(MEMBER_BY_EMAIL, {"email": credentials.email}, primary=True)
    member = rows[0] if rows else None
    stored = member.password_hash if member else None
    if not await parts.passwords.match(credentials.password, stored) or member is None:
        raise WrongCredentials
    answer = {"id": member.id, "email": member.email, "name": member.name}
    response = replies.private(replies.encode(answer), 201)
    parts.sessions.begin(response, member.id)
    return response


async def log_out(request: Request) -> Response:
    """Log out: the answer removes the cookie. Nothing happens to who is not logged in."""
    response = replies.nothing()
    parts_of(request).sessions.end(response)
    return response


# --- the cookie ---


class Sessions:
    """Makes and reads the cookie."""

    def __init__(self, settings: Settings) -> None:
        self._signed = URLSafeTimedSerializer(
            keys(settings), salt="session", signer_kwargs={"digest_method": hashlib.sha256}
        )
        self._max_age_s = settings.session_max_age_s
        self._secure = settings.session_cookie_secure

    def begin(self, response: Response, member_id: int) -> None:
        """Let the answer's receiver be known as this member."""
        response.set_cookie(
            _COOKIE,
            str(self._signed.dumps(member_id)),
            max_age=self._max_age_s,
            httponly=True,
            samesite="lax",
            secure=self._secure,
        )

    def end(self, response: Response) -> None:
        """Let the answer's receiver be nobody again."""
        response.delete_cookie(_COOKIE, httponly=True, samesite="lax", secure=self._secure)

    def member(self, request: Request) -> int:
        """The id of the member who sent this.

        Raises:
            NotLoggedIn: no cookie, or one that is too old or not ours.
        """
        try:
            member = self._signed.loads(request.cookies[_COOKIE], max_age=self._max_age_s)
        except (KeyError, BadSignature) as error:
            raise NotLoggedIn from error
        return int(member)


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
    """A signer for short-lived marks, with the keys of the sessions but a salt of its own."""
    return TimestampSigner(keys(settings), salt="written", digest_method=hashlib.sha256)
