"""The body of a request: its size and its kind are checked before anything reads it.

Only requests that bring a body pass through here; a GET costs one comparison.
A body must be JSON (415), and a whole one must fit into `BODY_MAX_BYTES` (413), whether its size is
announced or found out while it comes in. One call takes pictures instead, and larger ones.
"""

from collections.abc import Awaitable

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app import errors

BODY_MAX_BYTES = 256 * 1024  # a post of 10,000 characters, each of them escaped, and some air
PICTURE_MAX_BYTES = 5 * 1024 * 1024  # what a telephone's camera makes; neighbours: nginx/*.conf
PICTURE_PATH = "/api/users/me/avatar"
_WITHOUT_BODY = {"GET", "HEAD", "OPTIONS", "DELETE"}


class Intake:
    """Wraps `app`."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """Answer one request."""
        if scope["type"] != "http" or scope["method"] in _WITHOUT_BODY:
            return self._app(scope, receive, send)
        headers = Headers(scope=scope)
        picture = scope["path"] == PICTURE_PATH
        most = PICTURE_MAX_BYTES if picture else BODY_MAX_BYTES
        announced = headers.get("content-length", "")
        if announced.isdecimal() and int(announced) > most:
            return errors.answer(errors.TooLarge())(scope, receive, send)
        if _brings_body(headers) and (wrong := _wrong_kind(headers, picture=picture)):
            return errors.answer(wrong)(scope, receive, send)
        return self._app(scope, _limited(receive, most), send)


def _brings_body(headers: Headers) -> bool:
    return "transfer-encoding" in headers or headers.get("content-length", "0") != "0"


def _wrong_kind(headers: Headers, *, picture: bool) -> errors.SluiceError | None:
    media_type = headers.get("content-type", "").partition(";")[0].strip().lower()
    if picture:
        return None if media_type.startswith("image/") else errors.NotPicture()
    return None if _is_json(media_type) else errors.NotJson()


def _is_json(media_type: str) -> bool:
    return media_type == "application/json" or (
        media_type.startswith("application/") and media_type.endswith("+json")
    )


def _limited(receive: Receive, most: int) -> Receive:
    received = 0

    async def receive_some() -> Message:
        nonlocal received
        message = await receive()
        received += len(message.get("body", b""))
        if received > most:
            # FastAPI lets no other exception through that comes up while it reads a body.
            raise HTTPException(413, headers=dict(errors.TooLarge.headers))
        return message

    return receive_some
