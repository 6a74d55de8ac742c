"""Promises of `app/same_origin.py`: whose pages may change something."""

import json

import pytest
from starlette.responses import PlainTextResponse

from app.same_origin import SameOrigin
from tests.unit.asgi import ask

APP = SameOrigin(PlainTextResponse("done"))
HOST = "sluice.example:8080"


def status(method: str, **headers: str) -> int:
    """What a request with these headers is answered."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return ask(APP, "/api/posts", method=method, headers={"host": HOST, **named}).status


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "BREW"])
@pytest.mark.parametrize(
    "headers",
    [
        {"sec_fetch_site": "cross-site"},
        {"sec_fetch_site": "same-site"},
        {"sec_fetch_site": "cross-site", "origin": f"http://{HOST}"},
        {"origin": "https://evil.example"},
        {"origin": "http://sluice.example:8081"},
        {"origin": f"http://{HOST}.evil.example"},
        {"origin": "null"},
        {"origin": ""},
    ],
)
def test_a_foreign_page_changes_nothing(method: str, headers: dict[str, str]) -> None:
    """Broken: a page that a member visits elsewhere writes in the member's name."""
    assert status(method, **headers) == 403


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize(
    "headers",
    [
        {"sec_fetch_site": "same-origin"},
        {"sec_fetch_site": "none"},
        {"origin": f"http://{HOST}"},
        {"origin": "https://Sluice.example:8080"},
        {},
    ],
)
def test_our_own_pages_and_programs_may(method: str, headers: dict[str, str]) -> None:
    """Broken: the site cannot write, or no program can use the API."""
    assert status(method, **headers) == 200


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
def test_a_link_from_elsewhere_can_be_followed(method: str) -> None:
    """Broken: nobody comes to the site by a link."""
    assert status(method, sec_fetch_site="cross-site", origin="https://elsewhere.example") == 200


def test_the_refusal_is_a_problem_document() -> None:
    """Broken: the answer does not say what was wrong."""
    answer = ask(APP, "/", method="POST", headers={"sec-fetch-site": "cross-site"})
    assert answer.headers["content-type"] == "application/problem+json"
    assert json.loads(answer.body)["type"] == "/problems/cross-site"
