"""Every test file of this folder works on one stack, which is built once and removed at the end."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx
import pytest

from tests.system.stack import CLOSED_AT_THE_END, ENTRY, containers, must, run

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session", autouse=True)
def own_project() -> Iterator[None]:
    """Begin and end with nothing of this project: no container, no data."""
    remove = [
        "docker",
        "compose",
        "--profile",
        "*",
        "down",
        "--volumes",
        "--remove-orphans",
        "--timeout",
        "5",
    ]
    must(*remove)
    with CLOSED_AT_THE_END:
        yield
    must(*remove)


@pytest.fixture(scope="module")
def stage_5() -> None:
    """The whole stack, as the test file before left it or from nothing."""
    if not any(service == "edge" for service, _ in containers("status=running")):
        done = run("make", "stage-5")
        assert done.returncode == 0, done.stderr[-6000:]


@pytest.fixture
def visitor(stage_5: None) -> Iterator[httpx.Client]:
    """Somebody who is not logged in."""
    with httpx.Client(base_url=ENTRY, timeout=20) as client:
        yield client
