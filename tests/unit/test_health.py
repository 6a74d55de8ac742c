"""Promises of `app/health.py` and of the two ports."""

import asyncio
import time

import pytest
from starlette.responses import PlainTextResponse

from app import health
from app.__main__ import two_ports
from app.errors import DatabaseUnavailable
from app.health import Health, Pulse
from tests.unit.asgi import ask


async def fine() -> None:
    """All is there."""


async def away() -> None:
    """The database is not there."""
    raise DatabaseUnavailable


async def silent() -> None:
    """The database does not answer."""
    await asyncio.Event().wait()


def test_a_process_that_can_serve_says_so() -> None:
    """Broken: no replica ever gets healthy."""
    assert ask(Health(fine), "/healthz").status == 200
    assert ask(Health(fine), "/readyz").status == 200


def test_without_its_database_it_lives_but_is_not_ready() -> None:
    """Broken: a database's restart restarts every replica, or broken replicas are waited for."""
    assert ask(Health(away), "/healthz").status == 200
    assert ask(Health(away), "/readyz").status == 503


def test_what_all_replicas_share_decides_who_joins_and_takes_nobody_out() -> None:
    """Broken: the database is away for a second, and the balancer has no replica left at all."""
    answers = iter([away, fine, away])

    async def check() -> None:
        await next(answers)()

    async def ready_again_and_again() -> list[bool]:
        gate, found = health.once(check), []
        for _ in range(4):
            try:
                await gate()
            except DatabaseUnavailable:
                found.append(False)
            else:
                found.append(True)
        return found

    assert asyncio.run(ready_again_and_again()) == [False, True, True, True]


def test_a_check_that_gets_no_answer_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """Broken: the checker's own timeout tells less than we could."""
    monkeypatch.setattr(health, "_CHECK_S", 0.01)
    assert ask(Health(silent), "/readyz").status == 503


def test_a_process_that_ends_is_not_ready_but_alive() -> None:
    """Broken: balancers send requests to a process that is closing, or it is killed half-way."""
    ending = Health(fine)
    ending.draining = True
    assert ask(ending, "/readyz").status == 503
    assert ask(ending, "/healthz").status == 200


def test_a_loop_that_stands_still_is_not_alive(monkeypatch: pytest.MonkeyPatch) -> None:
    """Broken: a relay that has hung for an hour is called healthy, and mails do not arrive."""
    pulse = Pulse("relay", stale_after_s=30)
    app = Health(fine, pulses=[pulse])
    assert ask(app, "/healthz").status == 200
    later = time.monotonic() + 31
    monkeypatch.setattr(time, "monotonic", lambda: later)
    answer = ask(app, "/healthz")
    assert (answer.status, answer.body) == (503, b"relay stands still for 31 s\n")
    pulse.beat()
    assert ask(app, "/healthz").status == 200


def test_metrics_are_measured_when_they_are_asked_for() -> None:
    """Broken: the pool's use in Grafana is the one from the start of the process."""
    measured = []
    answer = ask(Health(fine, lambda: measured.append(1)), "/metrics")
    assert measured == [1]
    assert b"sluice_http_requests_in_flight" in answer.body


def test_nothing_on_the_public_port_leads_to_the_second() -> None:
    """Broken: anybody can read the metrics, or see which parts are down."""
    app = two_ports(PlainTextResponse("public"), Health(fine), ops_port=9000)
    for path in ("/metrics", "/healthz", "/readyz"):
        assert ask(app, path, port=8000).body == b"public"
        assert ask(app, path, port=8000, headers={"host": "web:9000"}).body == b"public"
        assert ask(app, path, port=9000).body != b"public"


def test_nothing_of_the_public_app_is_on_the_second_port() -> None:
    """Broken: requests that pass no balancer, no limit and no log."""
    app = two_ports(PlainTextResponse("public"), Health(fine), ops_port=9000)
    assert ask(app, "/api/posts", port=9000).status == 404
