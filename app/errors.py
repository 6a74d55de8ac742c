"""One tree of errors, and the one place that turns an error into an answer.

Every error answer is a problem document (RFC 9457, `application/problem+json`):
`{"type", "title", "status", "detail"?, "fields"?, "request_id"}`.
An error class says its status and its sentence; its `type` is `/problems/` and its name.
"""

import json
import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, ClassVar

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from app import timing

MEDIA_TYPE = "application/problem+json"


class SluiceError(Exception):
    """Something went wrong that the caller is told about; its text, if any, as the `detail`."""

    status: ClassVar[int] = 500
    title: ClassVar[str] = "Something went wrong."
    headers: ClassVar[Mapping[str, str]] = {}


class InvalidInput(SluiceError):
    """What was sent cannot be used."""

    status = 422
    title = "Please check what you sent."


class InvalidCursor(SluiceError):
    """The cursor is not one that this API gave."""

    status = 400
    title = "This cursor is not one that this API gave."


class NotLoggedIn(SluiceError):
    """The call needs a session."""

    status = 401
    title = "Please log in."


class WrongCredentials(SluiceError):
    """No member has this e-mail and password. Which of the two is wrong is not said."""

    status = 401
    title = "E-mail and password do not match."


class NotYours(SluiceError):
    """The thing belongs to another member."""

    status = 403
    title = "That is not yours to change."


class CrossSite(SluiceError):
    """A page of another site asked for a change in its visitor's name."""

    status = 403
    title = "Another site's page may not do this."


class NotFound(SluiceError):
    """There is nothing under this id."""

    status = 404
    title = "There is nothing here."


class NoSuchFile(NotFound):
    """No such file now. A cache may remember it, but not for long: it may come."""

    headers: ClassVar[Mapping[str, str]] = {"cache-control": "public, max-age=5"}


class EmailTaken(SluiceError):
    """Another member has this e-mail."""

    status = 409
    title = "This e-mail address is taken."


class TooLarge(SluiceError):
    """The body is larger than any that this API has a use for."""

    status = 413
    title = "This is too large."
    # The rest of the body is not read, so the connection cannot be used for another request.
    headers: ClassVar[Mapping[str, str]] = {"connection": "close"}


class NotJson(SluiceError):
    """The body is not sent as `application/json`."""

    status = 415
    title = "Please send JSON (content-type: application/json)."


class NotPicture(SluiceError):
    """The body is no picture of a kind that is taken, whatever it is called."""

    status = 415
    title = "Please send a picture: JPEG, PNG, WebP or GIF."


class UnusablePicture(InvalidInput):
    """The picture cannot be used; says why."""


class TooSlow(SluiceError):
    """The body did not come in within the time that a connection may take for it."""

    status = 408
    title = "This took too long to arrive."
    headers: ClassVar[Mapping[str, str]] = {"connection": "close"}


class FollowsOneself(InvalidInput):
    """A member cannot follow herself."""

    title = "You cannot follow yourself."


class Unavailable(SluiceError):
    """A part that is needed does not answer; nothing is wrong with the request.

    A write that ends so may have happened or not: ask before sending it again.
    """

    status = 503
    title = "The service cannot answer right now. Please try again."
    headers: ClassVar[Mapping[str, str]] = {"retry-after": "1"}


class Overloaded(Unavailable):
    """More requests wait for the same thing than could be served in time."""


class DatabaseUnavailable(Unavailable):
    """The database is gone, refuses connections, or did not answer in time."""


class DatabaseBusy(Unavailable):
    """No connection became free in time: the statement was never sent."""


class Problem(BaseModel):
    """The shape of every error answer, for the documentation."""

    type: str
    title: str
    status: int
    detail: str | None = None
    fields: dict[str, str] | None = None
    request_id: str


def install(app: FastAPI) -> None:
    """Answer every kind of error with a problem document."""

    async def ours(_: Request, error: Exception) -> Response:
        assert isinstance(error, SluiceError)
        return answer(error)

    async def invalid(_: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        return render(422, InvalidInput.title, kind=InvalidInput, fields=_fields(error))

    async def plain(_: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        detail = error.detail if error.detail != HTTPStatus(error.status_code).phrase else None
        phrase = HTTPStatus(error.status_code).phrase
        return render(error.status_code, phrase, detail=detail, headers=error.headers or {})

    async def unforeseen(_: Request, _error: Exception) -> Response:
        return render(500, SluiceError.title)

    app.add_exception_handler(SluiceError, ours)
    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(HTTPException, plain)
    app.add_exception_handler(Exception, unforeseen)


def answer(error: SluiceError) -> Response:
    """The problem document of one of our own errors."""
    return render(
        error.status,
        error.title,
        kind=type(error),
        detail=str(error) or None,
        headers=error.headers,
    )


def render(
    status: int,
    title: str,
    *,
    kind: type[SluiceError] | None = None,
    detail: str | None = None,
    fields: dict[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """A problem document. `fields` tells what is wrong with which part of the input."""
    document: dict[str, Any] = {
        "type": f"/problems/{_dashed(kind.__name__)}" if kind else "about:blank",
        "title": title,
        "status": status,
        "detail": detail,
        "fields": fields,
        "request_id": timing.current().request_id,
    }
    # ASCII on purpose: a field's name is the client's own and may hold what UTF-8 cannot.
    body = json.dumps({k: v for k, v in document.items() if v is not None}).encode("ascii")
    return Response(
        body,
        status,
        {"cache-control": "no-store", **(headers or {})},
        media_type=MEDIA_TYPE,
    )


def _fields(error: RequestValidationError) -> dict[str, str]:
    """Where → what. The input itself is never repeated: it may be a password."""
    return {
        ".".join(str(part) for part in item["loc"])[:100]: str(item["msg"])
        for item in list(error.errors())[:20]
    }


def _dashed(name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "-", name).lower()
