"""The body of a request: its size and its kind are checked before anything reads it.

Only requests that bring a body pass through here; a GET costs one comparison.
A body must be JSON (415), and a whole one must fit into `BODY_MAX_BYTES` (413), whether its size is
announced or found out while it comes in.
"""

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app import errors

BODY_MAX_BYTES = 256 * 1024  # a post of 10,000 characters, each of them escaped, and some air
_WITHOUT_BODY = {"GET", "HEAD", "OPTIONS", "DELETE"}


class Intake:
    """Wraps `app`."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http" or scope["method"] in _WITHOUT_BODY:
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        announced = headers.get("content-length", "")
        if announced.isdecimal() and int(announced) > BODY_MAX_BYTES:
            await errors.answer(errors.TooLarge())(scope, receive, send)
        elif _brings_body(headers) and not _is_json(headers.get("content-type", "")):
            await errors.answer(errors.NotJson())(scope, receive, send)
        else:
            await self._app(scope, _limited(receive), send)


def _brings_body(headers: Headers) -> bool:
    return "transfer-encoding" in headers or headers.get("content-length", "0") != "0"


def _is_json(content_type: str) -> bool:
    media_type = content_type.partition(";")[0].strip().lower()
    return media_type == "application/json" or (
        media_type.startswith("application/") and media_type.endswith("+json")
    )


def _limited(receive: Receive) -> Receive:
    received = 0

    async def receive_some() -> Message:
        nonlocal received
        message = await receive()
        received += len(message.get("body", b""))
        if received > BODY_MAX_BYTES:
            # FastAPI lets no other exception through that comes up while it reads a body.
            raise HTTPException(413, headers=dict(errors.TooLarge.headers))
        return message

    return receive_some
