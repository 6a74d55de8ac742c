"""Read your own writes: who has just written reads from the primary for a moment.

Replication is asynchronous: a replica may be behind by milliseconds or seconds. A write's answer
sets the cookie `written`, signed, with the position of the primary's log (LSN) right after the
commit. While it is there (`own_writes_s`), its bearer's reads go to the primary; everybody else's
go to the replicas. It works on every web replica, because it travels with the member.

The LSN is carried so that a replica that has replayed it may serve as well. A mark after it says
that the cache could not be told of the write: until it is, another web replica would find the old
value there, so the bearer's reads leave the cache out as well.
"""

import re

from fastapi import Request, Response
from itsdangerous import BadSignature, TimestampSigner

from app.database import Database
from app.errors import Unavailable
from app.settings import Settings

_COOKIE = "written"
_LSN = "SELECT pg_current_wal_insert_lsn()::text"
_SHAPE = re.compile(r"([0-9A-F]{1,8}/[0-9A-F]{1,8})(!?)")
_UNTOLD = "!"


class OwnWrites:
    """Marks the answers of writes, and recognises who bears such a mark."""

    def __init__(self, db: Database, signer: TimestampSigner, settings: Settings) -> None:
        self._db = db
        self._signer = signer
        self._for_s = settings.own_writes_s
        self._secure = settings.session_cookie_secure

    async def mark(self, response: Response, *, told_cache: bool) -> None:
        """Mark the answer of a committed write, where a read could be older than it.

        That is where there are replicas, or where the cache could not be told. Never fails: the
        write is done, and its answer must say so.
        """
        if self._db.has_replicas or not told_cache:
            try:
                lsn = str((await self._db.read(_LSN, {}, primary=True))[0][0])
            except Unavailable:
                lsn = "FFFFFFFF/FFFFFFFF"  # no replica has replayed this: the primary it is
            self._set(response, lsn if told_cache else lsn + _UNTOLD)

    def just_wrote(self, request: Request) -> bool:
        """Whether this caller's reads must see what only the primary surely has."""
        return self.position(request) is not None

    def unknown_to_cache(self, request: Request) -> bool:
        """Whether the cache could not be told of this caller's write."""
        return self._read(request)[1] == _UNTOLD

    def position(self, request: Request) -> str | None:
        """The LSN that a server must have replayed to serve this caller; None: any server may."""
        return self._read(request)[0]

    def _read(self, request: Request) -> tuple[str | None, str]:
        """The position and the mark after it."""
        cookie = request.cookies.get(_COOKIE)
        if cookie is None:
            return None, ""
        try:
            value = self._signer.unsign(cookie, max_age=self._for_s).decode("ascii")
        except BadSignature, UnicodeError:
            return None, ""
        found = _SHAPE.fullmatch(value)
        return (found[1], found[2]) if found else (None, "")

    def _set(self, response: Response, value: str) -> None:
        response.set_cookie(
            _COOKIE,
            self._signer.sign(value).decode("ascii"),
            max_age=self._for_s,
            httponly=True,
            samesite="lax",
            secure=self._secure,
        )
