"""Serves the site from memory: a few hundred kilobytes, read once when the process starts.

| file                | Cache-Control                                                  |
|---------------------|----------------------------------------------------------------|
| with a content hash | public, max-age=31536000, immutable                            |
| page                | max-age=0 with an ETag; the edge may keep it for a second, and |
|                     | longer where the origin is away                                |
| not built yet       | no-cache, with an ETag                                         |
"""

import mimetypes
from dataclasses import dataclass
from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from app import replies
from app.site.naming import HASHED

_YEAR = "public, max-age=31536000, immutable"
_PAGE = f"public, max-age=0, s-maxage=1, {replies.STALE}"
# For all pages: only our own files run; what people wrote is text.
CONTENT_POLICY = (
    "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; object-src 'none';"
    " base-uri 'none'; frame-ancestors 'none'; form-action 'self'"
)


@dataclass(frozen=True, slots=True)
class _File:
    content: bytes
    compressed: bytes | None
    headers: dict[str, str]


class Site:
    """ASGI app. A root that is not there is an empty site: the API works without one."""

    # What metrics and logs call these requests.
    path = "(site)"

    def __init__(self, root: str) -> None:
        self._files = {
            _url(path.relative_to(root)): _read(path)
            for path in Path(root).rglob("*")
            if path.is_file() and path.suffix != ".gz" and not path.name.startswith(".")
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        scope["route"] = self
        request = Request(scope)
        file = self._files.get(scope["path"])
        if file is None:
            raise HTTPException(404)
        if request.method not in ("GET", "HEAD"):
            raise HTTPException(405, headers={"allow": "GET, HEAD"})
        response = _reply(request, file)
        await response(scope, receive, send)


def _reply(request: Request, file: _File) -> Response:
    headers = file.headers
    if replies.matches(request.headers.get("if-none-match"), headers["etag"]):
        kept = ("etag", "cache-control", "vary")
        return Response(status_code=304, headers={k: v for k, v in headers.items() if k in kept})
    content = file.content
    if file.compressed and "gzip" in request.headers.get("accept-encoding", ""):
        content = file.compressed
        # Other bytes, another validator (RFC 9110, 8.8.3.3).
        weak = f"W/{headers['etag']}"
        headers = {**headers, "content-encoding": "gzip", "etag": weak}
    length = {"content-length": str(len(content))}
    return Response(content if request.method == "GET" else b"", headers={**headers, **length})


def _url(path: Path) -> str:
    """`index.html` → `/`, `about.html` → `/about`, `theme.css` → `/static/theme.css`."""
    if path.suffix == ".html":
        page = path.with_suffix("").as_posix()
        return "/" if page == "index" else f"/{page}"
    if path.name in ("robots.txt", "favicon.ico"):
        return f"/{path.name}"
    return f"/static/{path.as_posix()}"


def _read(path: Path) -> _File:
    content = path.read_bytes()
    compressed = path.with_name(path.name + ".gz")
    media_type = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    text = media_type.startswith("text/") or media_type.endswith(("javascript", "json"))
    headers = {
        "content-type": f"{media_type}; charset=utf-8" if text else media_type,
        "cache-control": _YEAR if HASHED.search(path.name) else "no-cache",
        "etag": replies.etag(content),
        "vary": "accept-encoding",
    }
    if path.suffix == ".html":
        headers["cache-control"] = _PAGE
        headers["content-security-policy"] = CONTENT_POLICY
        headers["referrer-policy"] = "same-origin"
    return _File(content, compressed.read_bytes() if compressed.exists() else None, headers)
