"""Promises of `app/errors.py`: every error is a problem document."""

import json

import pytest
from fastapi import FastAPI
from starlette.types import Receive, Scope, Send

from app import errors, timing
from app.fields import Id
from app.posts import NewPost
from tests.unit.asgi import Answer, ask

JSON = {"content-type": "application/json"}


@pytest.fixture
def app() -> FastAPI:
    """An app with a call for each kind of trouble."""
    app = FastAPI()
    errors.install(app)

    @app.get("/ours")
    async def _ours() -> None:
        raise errors.EmailTaken

    @app.get("/away")
    async def _away() -> None:
        raise errors.DatabaseBusy

    @app.get("/things/{thing_id}")
    async def _thing(thing_id: Id) -> None:
        raise AssertionError(thing_id)

    @app.post("/posts")
    async def _post(new: NewPost) -> None:
        raise AssertionError(new)

    return app


def problem(answer: Answer) -> dict[str, object]:
    """The document of an answer."""
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["cache-control"] == "no-store"
    document: dict[str, object] = json.loads(answer.body)
    assert document["status"] == answer.status
    assert {"type", "title", "request_id"} <= document.keys()
    return document


def test_our_own_errors_say_their_status_and_sentence(app: FastAPI) -> None:
    """Broken: a client cannot tell a taken address from a wrong one."""
    document = problem(ask(app, "/ours"))
    assert document["type"] == "/problems/email-taken"
    assert document["status"] == 409
    assert document["title"] == "This e-mail address is taken."


def test_what_is_away_says_when_to_ask_again(app: FastAPI) -> None:
    """Broken: clients ask again at once, all of them, and hold the database down."""
    answer = ask(app, "/away")
    assert problem(answer)["status"] == 503
    assert answer.headers["retry-after"] == "1"


@pytest.mark.parametrize(("path", "status"), [("/nowhere", 404), ("/posts", 405)])
def test_the_frameworks_errors_look_the_same(app: FastAPI, path: str, status: int) -> None:
    """Broken: a client needs two ways to read an error."""
    assert problem(ask(app, path))["status"] == status


def test_wrong_input_names_the_field_and_never_repeats_it(app: FastAPI) -> None:
    """Broken: passwords come back in answers and stand in logs."""
    body = json.dumps({"title": "secret" * 50, "body": 7}).encode()
    answer = ask(app, "/posts", method="POST", headers=JSON, chunks=(body,))
    fields = problem(answer)["fields"]
    assert isinstance(fields, dict)
    assert set(fields) == {"body.title", "body.body"}
    assert b"secret" not in answer.body


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"{", id="half"),
        pytest.param(b"null", id="null"),
        pytest.param(b"\xff", id="not UTF-8"),
        pytest.param(b"[" * 100_000, id="deep"),
        pytest.param(b'{"title":' + b"9" * 5000 + b"}", id="huge number"),
        pytest.param(b'{"title":"\\ud800","body":"b"}', id="lone surrogate"),
        pytest.param(b'{"title":"t","body":"b","\\ud800":1}', id="in a field's name"),
    ],
)
def test_no_body_is_answered_with_500(app: FastAPI, body: bytes) -> None:
    """Broken: whoever likes can fill the error log and the alert's budget."""
    answer = ask(app, "/posts", method="POST", headers=JSON, chunks=(body,))
    assert answer.status in (400, 422)
    problem(answer)


@pytest.mark.parametrize("thing", ["0", "-1", str(2**63), "9" * 5000, "x", "1%00"])
def test_no_id_is_answered_with_500(app: FastAPI, thing: str) -> None:
    """Broken: a number too large for bigint is an error of the server."""
    assert problem(ask(app, f"/things/{thing}"))["status"] == 422


def test_a_problem_names_the_request_that_it_belongs_to() -> None:
    """Broken: a visitor's complaint cannot be found in the log."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        timing.begin(b"request-1")
        await errors.answer(errors.NotFound())(scope, receive, send)

    assert problem(ask(app, "/"))["request_id"] == "request-1"
