"""Promises of `app/observe.py`: every answer says how it was made."""

import asyncio
import io
import json
import re
from datetime import datetime
from typing import Any

import pytest
from prometheus_client import REGISTRY
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from app import logs, timing
from app.observe import Observe
from app.settings import Settings
from tests.unit.asgi import Answer, ask, asked
from tests.unit.stories import until

GIVEN = "0f8fad5bd9cb469fa16570867728950e"


class Route:
    """What a router leaves behind."""

    path = "/things/{thing_id}"


async def well(scope: Scope, receive: Receive, send: Send) -> None:
    """An app that asks cache and database."""
    scope["route"] = Route()
    record = timing.current()
    record.cache = "miss"
    record.asked_redis(0.25)
    record.asked_redis(0.5)
    for who, ms in (("replica-1", 1.25), ("replica-1", 0.5), ("primary", 2.0)):
        record.asked_database(who, ms)
    record.job = "welcome_email queued"
    await PlainTextResponse("well")(scope, receive, send)


async def badly(scope: Scope, receive: Receive, send: Send) -> None:
    """An app with a mistake in it."""
    raise ZeroDivisionError((scope, receive, send))


def observed(app: ASGIApp = well, **settings: Any) -> Observe:
    """The app, observed."""
    dsn = "postgresql+psycopg://sluice@primary/sluice"
    return Observe(app, "web-1", Settings(primary_dsn=dsn, **{"access_log": False, **settings}))


def requests(route: str, status: str) -> float:
    """How many requests were counted."""
    labels = {"method": "GET", "route": route, "status": status}
    return REGISTRY.get_sample_value("sluice_http_requests_total", labels) or 0.0


def test_an_answer_says_who_made_it_and_how() -> None:
    """Broken: nobody can see which replica answered, or whether the cache did."""
    headers = ask(observed(), "/things/1").headers
    assert headers["x-served-by"] == "web-1"
    told = re.fullmatch(
        r"cache;desc=miss, redis;dur=0\.8, db;desc=replica-1;dur=1\.8, db;desc=primary;dur=2\.0,"
        r" job;desc=\"welcome_email queued\", app;desc=web-1;dur=(\d+\.\d)",
        headers["server-timing"],
    )
    assert told, headers["server-timing"]
    assert float(told[1]) < 5000


def test_the_proxys_id_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """Broken: a request has another name in every log on its way, or its answer has two."""
    written = io.BytesIO()
    monkeypatch.setattr(logs, "_output", written)
    app = observed(access_log=True)
    told = ask(app, "/", headers={"x-request-id": GIVEN}).headers
    app.count()
    assert json.loads(written.getvalue())["request_id"] == GIVEN
    # The proxies tell both; which replica it was, they read at the end of `Server-Timing`.
    assert not {"x-request-id", "x-served-by"} & set(told)
    assert re.search(r", app;desc=web-1;dur=[\d.]+$", told["server-timing"])


def test_where_no_proxy_stands_in_front_an_id_from_outside_is_replaced() -> None:
    """Broken: at stage 1 a visitor chooses under which name a request stands in the logs."""
    told = ask(observed(is_entry=True), "/", headers={"x-request-id": GIVEN}).headers
    assert re.fullmatch(r"[0-9a-f]{32}", told["x-request-id"])
    assert told["x-request-id"] != GIVEN
    assert told["x-served-by"] == "web-1"


@pytest.mark.parametrize(
    "given", ["", "short", "with blanks in it", "x" * 129, 'quote"12345', "é" * 9]
)
def test_an_id_that_is_not_sane_is_replaced(given: str) -> None:
    """Broken: whoever likes can write lines of his own into our logs."""
    made = ask(observed(), "/", headers={"x-request-id": given}).headers["x-request-id"]
    assert re.fullmatch(r"[0-9a-f]{32}", made)


def test_what_nobody_foresaw_is_a_500_with_all_headers(capfd: pytest.CaptureFixture[str]) -> None:
    """Broken: the worst errors are the ones without an id to look for."""
    answer = ask(observed(badly), "/")
    assert answer.status == 500
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["x-served-by"] == "web-1"
    assert json.loads(answer.body)["request_id"] == answer.headers["x-request-id"]
    assert "ZeroDivisionError" in "".join(capfd.readouterr())


def test_requests_are_counted_by_route_never_by_path() -> None:
    """Broken: every member that is asked for is a time series of its own."""
    before = requests(Route.path, "200")
    app = observed()
    for thing in range(3):
        ask(app, f"/things/{thing}")
    app.count()
    assert requests(Route.path, "200") == before + 3
    assert requests("/things/1", "200") == 0


def test_requests_are_counted_soon_by_themselves() -> None:
    """Broken: a process that is asked for nothing more never counts what it answered."""

    async def story() -> None:
        before = requests(Route.path, "200")
        await asked(observed(), "/things/1")
        await until(lambda: requests(Route.path, "200") == before + 1)

    asyncio.run(story())


def test_the_last_requests_of_a_process_are_counted() -> None:
    """Broken: what a replica answered right before it left is in no log."""

    async def story() -> None:
        before = requests(Route.path, "200")
        ended = asyncio.Event()

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            await (ended.wait() if scope["type"] == "lifespan" else well(scope, receive, send))

        whole = observed(app)
        life = asyncio.create_task(whole({"type": "lifespan"}, never, never))
        await asked(whole, "/things/1")
        ended.set()
        await life
        assert requests(Route.path, "200") == before + 1

    asyncio.run(story())


async def never(*_: Any) -> Any:
    """What nobody calls."""
    raise AssertionError


def test_nothing_is_in_flight_when_all_is_answered() -> None:
    """Broken: the gauge creeps up with every error, and its alert fires for nothing."""
    for app in (well, badly):
        ask(observed(app), "/")
    assert REGISTRY.get_sample_value("sluice_http_requests_in_flight") == 0


def test_who_is_too_many_is_turned_away_at_once_and_the_others_are_served() -> None:
    """Broken: under overload all requests wait, and none is answered in time."""
    seen: list[str] = []
    hold = asyncio.Event()

    async def slow(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(scope["path"])
        await hold.wait()
        await PlainTextResponse("well")(scope, receive, send)

    async def story() -> list[Answer]:
        app = observed(slow, in_flight_max=2)
        first = [asyncio.create_task(asked(app, f"/{n}")) for n in range(2)]
        await until(lambda: len(seen) == 2)
        shed = REGISTRY.get_sample_value("sluice_http_shed_total") or 0
        turned_away = await asked(app, "/third")
        assert REGISTRY.get_sample_value("sluice_http_shed_total") == shed + 1
        hold.set()
        return [turned_away, *await asyncio.gather(*first), await asked(app, "/later")]

    turned_away, *served = asyncio.run(story())
    assert seen == ["/0", "/1", "/later"], "the app never saw the third"
    assert [answer.status for answer in served] == [200] * 3
    assert turned_away.status == 503
    assert turned_away.headers["retry-after"] == "1"
    assert turned_away.headers["content-type"] == "application/problem+json"
    assert turned_away.headers["x-served-by"] == "web-1"
    problem = json.loads(turned_away.body)
    assert problem["type"] == "/problems/overloaded"
    assert problem["request_id"] == turned_away.headers["x-request-id"]


def test_an_access_line_is_one_object_with_the_fields_that_are_searched_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Broken: dashboards and people look for fields that the lines no longer have."""
    written = io.BytesIO()
    monkeypatch.setattr(logs, "_output", written)
    app = observed(access_log=True)
    ask(app, "/things/7")
    app.count()
    (line,) = written.getvalue().splitlines(keepends=True)
    assert line.endswith(b"}\n")
    said = json.loads(line)
    assert list(said) == [
        *("request_id", "method", "route", "path", "status", "ms", "cache", "statements"),
        *("event", "level", "time", "service"),
    ]
    assert (said["method"], said["route"], said["path"]) == ("GET", Route.path, "/things/7")
    assert (said["status"], said["cache"], said["statements"]) == (200, "miss", 3)
    assert (said["event"], said["level"]) == ("request_answered", "info")
    assert said["time"].endswith("Z")
    assert datetime.fromisoformat(said["time"]).tzinfo is not None
    assert isinstance(said["ms"], float)


@pytest.mark.parametrize("path", ['/"quoted"', "/back\\slash", "/new\nline", "/é/😀", "/\x00\x7f"])
def test_a_path_cannot_break_out_of_its_line(monkeypatch: pytest.MonkeyPatch, path: str) -> None:
    """Broken: whoever asks for a strange path writes lines of his own into our logs."""
    written = io.BytesIO()
    monkeypatch.setattr(logs, "_output", written)
    app = observed(access_log=True)
    ask(app, path)
    ask(app, "/next")
    app.count()
    assert [json.loads(line)["path"] for line in written.getvalue().splitlines()] == [path, "/next"]


def test_the_lines_of_one_batch_have_times_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """Broken: of requests around the turn of a second some are logged at a wrong time."""
    written = io.BytesIO()
    monkeypatch.setattr(logs, "_output", written)
    ends = (1.25, 0.999999, 1_767_225_599.5, 1_767_225_600.000001)
    records = []
    for end in ends:
        record = timing.Record(b"request-id")
        record.began, record.seconds = end - 0.125, 0.125
        record.path, record.kind = "/", ("GET", "(none)", 200, None)
        records.append(record)
    logs.requests_answered(records, 0.0)
    told = [json.loads(line)["time"] for line in written.getvalue().splitlines()]
    assert told == [
        *("1970-01-01T00:00:01.250000Z", "1970-01-01T00:00:00.999999Z"),
        *("2025-12-31T23:59:59.500000Z", "2026-01-01T00:00:00.000001Z"),
    ]
