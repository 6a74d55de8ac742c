"""Promises of `app/intake.py`: bodies are checked before anything reads them."""

import pytest
from fastapi import FastAPI, Request

from app import errors
from app.intake import BODY_MAX_BYTES, Intake
from tests.unit.asgi import ask

JSON = {"content-type": "application/json"}


@pytest.fixture
def app() -> Intake:
    """An app that reads whatever comes."""
    inner = FastAPI()
    errors.install(inner)

    @inner.post("/")
    async def _read(request: Request) -> int:
        return len(await request.body())

    return Intake(inner)


def test_a_body_that_fits_comes_through_whole(app: Intake) -> None:
    """Broken: long posts arrive cut off, or not at all."""
    half = b"x" * (BODY_MAX_BYTES // 2)
    answer = ask(app, "/", method="POST", headers=JSON, chunks=(half, half))
    assert (answer.status, answer.body) == (200, str(BODY_MAX_BYTES).encode())


def test_a_body_announced_too_large_is_not_read(app: Intake) -> None:
    """Broken: a few clients fill the process's memory."""
    headers = JSON | {"content-length": str(BODY_MAX_BYTES + 1)}
    answer = ask(app, "/", method="POST", headers=headers)
    assert answer.status == 413
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["connection"] == "close"


def test_a_body_that_turns_out_too_large_is_cut_off(app: Intake) -> None:
    """Broken: the bound holds only for clients that are honest about it."""
    headers = JSON | {"transfer-encoding": "chunked"}
    chunks = (b"x" * BODY_MAX_BYTES, b"x")
    answer = ask(app, "/", method="POST", headers=headers, chunks=chunks)
    assert answer.status == 413
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("kind", ["", "text/plain", "multipart/form-data", "application/x-json"])
def test_only_json_is_taken(app: Intake, kind: str) -> None:
    """Broken: a form on a foreign site can post in a member's name (it cannot send JSON)."""
    headers = {"content-type": kind, "content-length": "2"}
    answer = ask(app, "/", method="POST", headers=headers, chunks=(b"{}",))
    assert answer.status == 415


@pytest.mark.parametrize("kind", ["application/json; charset=utf-8", "Application/JSON"])
def test_json_may_be_spelt_as_the_standard_allows(app: Intake, kind: str) -> None:
    """Broken: clients with another spelling are refused."""
    headers = {"content-type": kind, "content-length": "2"}
    assert ask(app, "/", method="POST", headers=headers, chunks=(b"{}",)).status == 200
