"""A run that cannot succeed says so in one line, before it starts."""

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest

from loadtest.target import unusable

THERE = {"/api/users/50", "/api/posts/90"}


class Api(BaseHTTPRequestHandler):
    """Has member 50 and post 90, and nothing else."""

    def do_GET(self) -> None:
        """Say whether it is there."""
        found = self.path in THERE
        self.send_response(200 if found else 404)
        self.end_headers()
        self.wfile.write(json.dumps({"found": found}).encode())

    def log_message(self, *_: object) -> None:
        """Be quiet."""


@pytest.fixture
def host() -> Iterator[str]:
    """The address of such a target."""
    server = HTTPServer(("127.0.0.1", 0), Api)
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_target_with_the_data_is_usable(host: str) -> None:
    """Broken: no run starts."""
    assert unusable(host, 50, 90) is None
    assert unusable(f"{host}/", 50, 90) is None


@pytest.mark.parametrize(
    ("members", "posts", "variable"), [(51, 90, "SEED_USERS"), (50, 91, "SEED_POSTS")]
)
def test_data_of_another_size_is_named(host: str, members: int, posts: int, variable: str) -> None:
    """Broken: every tenth request is a 404, and nobody knows why."""
    problem = unusable(host, members, posts)
    assert problem is not None
    assert variable in problem
    assert "\n" not in problem


@pytest.mark.parametrize(
    "nowhere", ["http://127.0.0.1:1", "http://no-such-host.invalid", "not an address"]
)
def test_a_target_that_does_not_answer_is_said_in_one_line(nowhere: str) -> None:
    """Broken: a thousand lines of connection errors."""
    problem = unusable(nowhere, 50, 90)
    assert problem is not None
    assert nowhere in problem
    assert "make stage-1" in problem
    assert "\n" not in problem


def test_no_target_is_said_in_one_line() -> None:
    """Broken: a traceback about None."""
    assert "LOCUST_HOST" in (unusable("", 50, 90) or "")
