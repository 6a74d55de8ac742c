"""Read your own writes: who has just written sees it, wherever the next read goes.

Replication is asynchronous: a replica may be behind by milliseconds or seconds. A write's answer
sets the cookie `written`, signed, with the position of the primary's log (LSN) right after the
commit. While it is there (`own_writes_s`), its bearer's reads are answered by a replica that has
replayed this position, or by the primary; everybody else's by any replica. It works on every web
replica, because it travels with the member.

If the cache could not be told of the write, a receipt stands after the position (app/debts.py):
until that is settled a web replica would find the old value in the cache, so the bearer's reads
leave it out.
"""

import re
from typing import NamedTuple

from fastapi import Request, Response
from itsdangerous import BadSignature, TimestampSigner

from app.cache import Cache, Made
from app.database import Database
from app.settings import Settings

_COOKIE = "written"
_SHAPE = re.compile(r"([0-9a-f]{1,16})(?:!([0-9a-f]{8}\.[0-9]{1,9}))?")


class Written(NamedTuple):
    """What a caller has written: the position that reads must have, and whether to leave the cache
    out.
    """

    after: int = 0
    bypass: bool = False


_NOTHING = Written()


class OwnWrites:
    """Marks the answers of writes, and recognises who bears such a mark."""

    def __init__(
        self, db: Database, cache: Cache, signer: TimestampSigner, settings: Settings
    ) -> None:
        self._db = db
        self._cache = cache
        self._signer = signer
        self._for_s = settings.own_writes_s
        self._untold_s = settings.own_writes_untold_s
        self._secure = settings.session_cookie_secure

    async def settle(
        self, response: Response, *keys: str, mark: str = "", made: Made | None = None
    ) -> None:
        """After a commit: tell the cache what changed, and mark the answer.

        `mark` is what `Cache.announce` returned before the write, `made` what the write made. The
        answer needs a mark where a read could be older than the write: where there are replicas, or
        the cache was not told.

        Raises:
            DatabaseUnavailable: the primary went away right after the commit. The write is not
                acknowledged then; the announcement keeps old values out of the cache.
        """
        position = await self._db.position()
        receipt = await self._cache.invalidate(*keys, position=position, mark=mark, made=made)
        if self._db.has_replicas or receipt:
            value = f"{position:x}!{receipt}" if receipt else f"{position:x}"
            max_age_s = self._untold_s if receipt else self._for_s
            # As `set_cookie` would say it, which looks through every character of this each time.
            signed = self._signer.sign(value).decode("ascii")
            said = f"{_COOKIE}={signed}; HttpOnly; Max-Age={max_age_s}; Path=/; SameSite=lax"
            response.headers.append("set-cookie", said + ("; Secure" if self._secure else ""))

    async def of(self, request: Request) -> Written:
        """What the sender of this has written lately."""
        if "cookie" not in request.headers:
            return _NOTHING
        cookie = request.cookies.get(_COOKIE)
        if cookie is None:
            return _NOTHING
        try:
            value, signed = self._signer.unsign(
                cookie, max_age=self._untold_s, return_timestamp=True
            )
        except BadSignature:
            return _NOTHING
        found = _SHAPE.fullmatch(value.decode("ascii", "replace"))
        if found is None:
            return _NOTHING
        untold = found[2] is not None and not await self._cache.is_settled(found[2])
        age_s = self._signer.get_timestamp() - signed.timestamp()
        if not untold and age_s > self._for_s:
            return _NOTHING
        return Written(int(found[1], 16), untold)
