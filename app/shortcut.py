"""The hottest calls by a way of their own, around FastAPI's router and the layers inside of it.

Reading one number from a path by FastAPI's general means costs as much as all the rest of a cached
read, and its layers half as much again (docs/performance.md). So a path with at most one id and no
query, and a body as expected, are answered here. FastAPI has the very same calls: for the
documentation, and for whatever is not exactly so, an error in the input first of all. It gets such
a request as it came.
"""

import re
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, get_type_hints

from fastapi import FastAPI, Request, Response
from pydantic import BaseModel, ValidationError
from starlette.requests import ClientDisconnect
from starlette.types import Message, Receive, Scope, Send

from app import errors

# What `fields.Id` takes; its largest numbers are left to FastAPI.
_ID = re.compile(r"[1-9][0-9]{0,17}")


class Call(NamedTuple):
    """One line of the API. `model` and `problems` are for the documentation."""

    method: str
    path: str
    answer: Callable[..., Any]
    status: int
    model: type[BaseModel] | None
    problems: tuple[int, ...]

    @property
    def body(self) -> type[BaseModel] | None:
        """The model of the body that it takes."""
        hints = get_type_hints(self.answer).values()
        return next((h for h in hints if isinstance(h, type) and issubclass(h, BaseModel)), None)


type _Way = tuple[Call, type[BaseModel] | None]


class Shortcut:
    """Wraps `app`, which has the same calls. Each has an id at the end of its path, or no id."""

    def __init__(self, app: FastAPI, calls: Sequence[Call]) -> None:
        self._app = app
        self._plain: dict[tuple[str, str], _Way] = {}
        self._by_id: dict[tuple[str, str], _Way] = {}
        for call in calls:
            fixed, _, placeholder = call.path.partition("/{")
            (self._by_id if placeholder else self._plain)[call.method, fixed] = (call, call.body)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or hand it on."""
        way, values = self._find(scope)
        if way is None:
            await self._app(scope, receive, send)
            return
        call, model = way
        scope["app"] = self._app
        request = Request(scope, receive)
        if model:
            try:
                values = (*values, model.model_validate_json(await request.body()))
            except ValidationError:
                await self._app(scope, _again(await request.body(), receive), send)
                return
            except ClientDisconnect:
                await self._app(scope, receive, send)  # which will find the same
                return
        scope["route"] = call  # what metrics and log lines name it by
        try:
            response: Response = await call.answer(request, *values)
        except errors.SluiceError as error:
            response = errors.answer(error)
        await response(scope, receive, send)

    def _find(self, scope: Scope) -> tuple[_Way | None, tuple[Any, ...]]:
        if scope["type"] != "http" or scope["query_string"]:
            return None, ()
        method, path = scope["method"], scope["path"]
        way = self._plain.get((method, path))
        if way is not None:
            return (way, ()) if way[1] is None or _announces_its_size(scope) else (None, ())
        fixed, _, last = path.rpartition("/")
        if not _ID.fullmatch(last):
            return None, ()
        return self._by_id.get((method, fixed)), (int(last),)


def _announces_its_size(scope: Scope) -> bool:
    """Whether `Intake` knows already that the body is not too large: nothing ends it early then."""
    return any(name == b"content-length" for name, _ in scope["headers"])


def _again(body: bytes, receive: Receive) -> Receive:
    """The body, to be read a second time; then whatever comes."""
    is_read = False

    async def receive_again() -> Message:
        nonlocal is_read
        if is_read:
            return await receive()
        is_read = True
        return {"type": "http.request", "body": body, "more_body": False}

    return receive_again
