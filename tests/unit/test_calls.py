"""Promises of `app/main.py`: the table of calls and what is said about it."""

import json
import re
from typing import Any

import pytest

from app import main
from app.settings import Settings
from tests.unit.asgi import ask


@pytest.fixture
def described(settings: Settings) -> dict[str, Any]:
    """The OpenAPI description."""
    public, _ = main.assemble(settings)
    found: dict[str, Any] = json.loads(ask(public, "/docs/openapi.json").body)
    return found


def test_every_call_is_described_with_its_answer_and_its_problems(
    described: dict[str, Any],
) -> None:
    """Broken: who reads /docs does not learn what an answer looks like."""
    for call in main.CALLS:
        told = described["paths"][call.path][call.method.lower()]
        assert told["summary"]
        assert told["description"], call
        answers = told["responses"]
        assert str(call.status) in answers
        if call.model:
            schema = answers[str(call.status)]["content"]["application/json"]["schema"]
            assert schema["$ref"].endswith(call.model.__name__)
        assert {str(each) for each in call.problems} | {"422", "503"} <= answers.keys()
        problems = [answer for status, answer in answers.items() if int(status) >= 400]
        assert {tuple(each["content"]) for each in problems} == {("application/problem+json",)}


def test_a_path_that_is_known_says_which_methods_it_takes(settings: Settings) -> None:
    """Broken: a wrong method looks like a wrong address."""
    public, _ = main.assemble(settings)
    answer = ask(public, "/api/posts/popular", method="DELETE")
    assert answer.status == 405
    assert answer.headers["allow"] == "GET"


def test_the_documentation_needs_nobody_elses_server(settings: Settings) -> None:
    """Broken: /docs is a white page where there is no way out to the internet."""
    public, _ = main.assemble(settings)
    page = ask(public, "/docs")
    assert page.status == 200
    links = re.findall(r'(?:src|href)="([^"]+)"', page.body.decode())
    assert len(links) == 4
    for link in links:
        assert link.startswith("/docs/files/")
        assert ask(public, link).status == 200, link


@pytest.mark.parametrize("path", ["/metrics", "/healthz", "/readyz", "/openapi.json", "/redoc"])
def test_the_public_port_has_no_back_door(settings: Settings, path: str) -> None:
    """Broken: what is for the operators can be read by everybody."""
    public, _ = main.assemble(settings)
    assert ask(public, path).status == 404


def test_who_is_not_logged_in_cannot_write(settings: Settings) -> None:
    """Broken: anybody can write in anybody's name."""
    public, _ = main.assemble(settings)
    headers = {"content-type": "application/json", "content-length": "28"}
    body = (b'{"title":"t","body":"b"}',)
    assert ask(public, "/api/posts", method="POST", headers=headers, chunks=body).status == 401
    body = (b'{"name":"n"}',)
    answer = ask(public, "/api/users/1", method="PATCH", headers=headers, chunks=body)
    assert answer.status == 401
