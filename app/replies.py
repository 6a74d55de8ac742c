"""What goes out: JSON bytes, and for how long whom they may serve.

| reply     | Cache-Control               | for                                   |
|-----------|-----------------------------|---------------------------------------|
| shared    | public, max-age=1, and STALE | lists: old by a second is good enough |
| validated | no-cache, with an ETag      | one thing: asked for again, often 304 |
| private   | private, no-store           | writes, and whatever has a session    |
| forever   | public, max-age=31536000, immutable | what is named by its content  |

A request that carries one of our cookies gets a private reply from the first two as well: what one
member may see fresh, a shared cache must not keep for others (RFC 9111, 3 and 5.2.2).
"""

import hashlib
from typing import Any

import orjson
from fastapi import Request, Response

_JSON = "application/json"
# An old copy may be given while a new one is asked for, and stand in for ten minutes when none can
# be had (RFC 5861). The edge obeys; browsers mostly do not know the second.
STALE = "stale-while-revalidate=5, stale-if-error=600"
_SHARED = f"public, max-age=1, {STALE}"
_PRIVATE = "private, no-store"
_FOREVER = "public, max-age=31536000, immutable"
COOKIES = ("session=", "written=")


def encode(answer: dict[str, Any]) -> bytes:
    """JSON. Times become RFC 3339 in UTC."""
    return orjson.dumps(answer, option=orjson.OPT_UTC_Z)


def shared(request: Request, body: bytes) -> Response:
    """A list or ranking that everybody may share for a second."""
    policy = _PRIVATE if _has_cookie(request) else _SHARED
    return Response(body, headers={"cache-control": policy}, media_type=_JSON)


def validated(request: Request, body: bytes) -> Response:
    """One thing. 304 without a body when the caller has this very version."""
    if _has_cookie(request):
        return private(body)
    headers = {"cache-control": "no-cache", "etag": etag(body)}
    if matches(request.headers.get("if-none-match"), headers["etag"]):
        return Response(status_code=304, headers=headers)
    return Response(body, headers=headers, media_type=_JSON)


def private(body: bytes, status: int = 200) -> Response:
    """An answer for this caller alone."""
    return Response(body, status, {"cache-control": _PRIVATE}, media_type=_JSON)


def forever(request: Request, content: bytes, name: str, media_type: str) -> Response:
    """What never changes under this name, which is its validator as well: for everybody."""
    headers = {"cache-control": _FOREVER, "etag": f'"{name}"'}
    if matches(request.headers.get("if-none-match"), headers["etag"]):
        return Response(status_code=304, headers=headers)
    return Response(content, headers=headers, media_type=media_type)


def nothing() -> Response:
    """204: done, and there is nothing to tell."""
    return Response(status_code=204, headers={"cache-control": _PRIVATE})


def etag(body: bytes) -> str:
    """A strong validator (RFC 9110, 8.8.3): the same for the same bytes from every replica."""
    return f'"{hashlib.blake2b(body, digest_size=9).hexdigest()}"'


def matches(if_none_match: str | None, tag: str) -> bool:
    """Weak comparison: a proxy that compresses turns our tag into `W/"…"`."""
    if if_none_match is None:
        return False
    known = (each.strip().removeprefix("W/") for each in if_none_match.split(","))
    return any(each in (tag, "*") for each in known)


def _has_cookie(request: Request) -> bool:
    cookies = request.headers.get("cookie")
    return cookies is not None and any(name in cookies for name in COOKIES)
