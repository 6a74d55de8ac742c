"""A change that a page of another site asks for is refused (CSRF), before anything reads it.

The third lock of three: the session's cookie is SameSite=Lax, and a body must be JSON, which a
foreign form cannot send. This one also holds for a DELETE, for a page of a neighbouring subdomain,
and for a log-in into an account that is not the visitor's.

The rule is the one of Go's `http.CrossOriginProtection`: a browser says in `Sec-Fetch-Site` where
the page was from (Fetch Metadata, W3C); an older one says `Origin`, which must then name the host
that was asked. Who says neither is no browser, and has no visitor to deceive.
"""

from collections.abc import Awaitable

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from app import errors

_CHANGES_NOTHING = {"GET", "HEAD", "OPTIONS"}


class SameOrigin:
    """Wraps `app`."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """Answer one request."""
        harmless = scope["type"] != "http" or scope["method"] in _CHANGES_NOTHING
        if harmless or not _is_foreign(Headers(scope=scope)):
            return self._app(scope, receive, send)
        return errors.answer(errors.CrossSite())(scope, receive, send)


def _is_foreign(headers: Headers) -> bool:
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site not in ("same-origin", "none")  # none: typed into the address bar
    origin = headers.get("origin")
    # `null`, of a page that hides where it is from, is no host either.
    return (
        origin is not None and origin.partition("://")[2].lower() != headers.get("host", "").lower()
    )
