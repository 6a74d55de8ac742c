"""Promises of `app/sessions.py` and `app/own_writes.py`: what cookies say, and to whom."""

import asyncio
from http.cookies import SimpleCookie
from typing import Any, cast

import pytest
from fastapi import Request, Response

from app.database import Database
from app.errors import DatabaseUnavailable, NotLoggedIn
from app.own_writes import OwnWrites
from app.sessions import Sessions, keys, stamper
from app.settings import Settings


class Primary:
    """Knows one position of its log."""

    has_replicas = True

    def __init__(self, lsn: str | None = "0/16B3748") -> None:
        self.lsn = lsn

    async def read(self, _sql: str, _values: dict[str, Any], *, primary: bool) -> list[list[str]]:
        """The position, or what a primary that is gone would cause."""
        assert primary
        if self.lsn is None:
            raise DatabaseUnavailable
        return [[self.lsn]]


def request(cookie: str = "") -> Request:
    """A request that carries this."""
    return Request({"type": "http", "headers": [(b"cookie", cookie.encode("latin-1"))]})


def sent_back(response: Response, name: str) -> Request:
    """The next request of a browser that got this response."""
    cookies = SimpleCookie(response.headers["set-cookie"])
    return request(f"{name}={cookies[name].value}")


def own_writes(settings: Settings, primary: Primary) -> OwnWrites:
    """Marks of a process that talks to this primary."""
    return OwnWrites(cast("Database", primary), stamper(settings), settings)


def test_who_logs_in_on_one_replica_is_known_on_all(settings: Settings) -> None:
    """Broken: behind a balancer members are logged in on every third request."""
    response = Response()
    Sessions(settings).begin(response, 42)
    assert Sessions(settings).member(sent_back(response, "session")) == 42


def test_a_key_can_be_replaced_without_logging_anybody_out(settings: Settings) -> None:
    """Broken: all members are logged out by the change of a key."""
    before, after = (
        settings.model_copy(update={"session_keys": each}) for each in ("old", "new,old")
    )
    response = Response()
    Sessions(before).begin(response, 42)
    assert Sessions(after).member(sent_back(response, "session")) == 42


def test_a_key_that_was_taken_away_opens_nothing(settings: Settings) -> None:
    """Broken: a stolen key cannot be made worthless."""
    response = Response()
    Sessions(settings.model_copy(update={"session_keys": "stolen"})).begin(response, 42)
    with pytest.raises(NotLoggedIn):
        Sessions(settings).member(sent_back(response, "session"))


def test_the_newest_key_signs(settings: Settings) -> None:
    """Broken: a key that is on its way out is still needed."""
    response = Response()
    Sessions(settings).begin(response, 42)
    newest_only = settings.model_copy(update={"session_keys": "newest"})
    assert Sessions(newest_only).member(sent_back(response, "session")) == 42


@pytest.mark.parametrize("cookie", ["", "session=", "session=MQ.x.y", "session=ÿ", "other=1"])
def test_what_we_did_not_sign_is_nobody(settings: Settings, cookie: str) -> None:
    """Broken: a session can be made up, or nonsense is answered with 500."""
    with pytest.raises(NotLoggedIn):
        Sessions(settings).member(request(cookie))


def test_a_session_ends_with_its_age(settings: Settings) -> None:
    """Broken: a cookie that was copied once opens the account for ever."""
    response = Response()
    Sessions(settings).begin(response, 42)
    expired = settings.model_copy(update={"session_max_age_s": -1})
    with pytest.raises(NotLoggedIn):
        Sessions(expired).member(sent_back(response, "session"))


def test_scripts_and_other_sites_do_not_get_the_cookie(settings: Settings) -> None:
    """Broken: one line of injected script takes every session, a foreign form uses it."""
    response = Response()
    Sessions(settings.model_copy(update={"session_cookie_secure": True})).begin(response, 42)
    attributes = response.headers["set-cookie"].lower()
    assert "httponly" in attributes
    assert "samesite=lax" in attributes
    assert "secure" in attributes


def test_without_keys_the_web_process_does_not_start(settings: Settings) -> None:
    """Broken: sessions are signed with an empty key, which everybody knows."""
    with pytest.raises(ValueError, match="SESSION_KEYS"):
        keys(settings.model_copy(update={"session_keys": " , "}))


def test_who_wrote_is_recognised_on_every_replica(settings: Settings) -> None:
    """Broken: a member changes the name and sees the old one, from a replica that lags."""
    response = Response()
    asyncio.run(own_writes(settings, Primary()).mark(response, told_cache=True))
    other_process = own_writes(settings, Primary())
    assert other_process.position(sent_back(response, "written")) == "0/16B3748"
    assert other_process.just_wrote(sent_back(response, "written"))


@pytest.mark.parametrize("cookie", ["", "written=", "written=0/16B3748", "written=ÿ"])
def test_nobody_can_ask_for_the_primary_by_a_cookie_of_his_own(
    settings: Settings, cookie: str
) -> None:
    """Broken: a crowd with a made-up cookie puts all reads onto the primary."""
    assert not own_writes(settings, Primary()).just_wrote(request(cookie))


def test_a_session_is_no_mark_of_a_write(settings: Settings) -> None:
    """Broken: signatures of one purpose are accepted for another."""
    response = Response()
    Sessions(settings).begin(response, 42)
    session = SimpleCookie(response.headers["set-cookie"])["session"].value
    assert not own_writes(settings, Primary()).just_wrote(request(f"written={session}"))


def test_a_mark_lasts_for_a_bounded_time(settings: Settings) -> None:
    """Broken: who wrote once reads from the primary for ever."""
    response = Response()
    asyncio.run(own_writes(settings, Primary()).mark(response, told_cache=True))
    later = own_writes(settings.model_copy(update={"own_writes_s": -1}), Primary())
    assert not later.just_wrote(sent_back(response, "written"))


def test_who_wrote_past_the_cache_reads_past_the_cache(settings: Settings) -> None:
    """Broken: another replica finds the old value in Redis, and the author reads it."""
    for told in (True, False):
        response = Response()
        asyncio.run(own_writes(settings, Primary()).mark(response, told_cache=told))
        marks = own_writes(settings, Primary())
        assert marks.unknown_to_cache(sent_back(response, "written")) is not told
        assert marks.position(sent_back(response, "written")) == "0/16B3748"


def test_a_write_is_answered_even_if_its_position_cannot_be_asked(settings: Settings) -> None:
    """Broken: a write that is committed is answered with 503, and done again by the client."""
    response = Response()
    marks = own_writes(settings, Primary(lsn=None))
    asyncio.run(marks.mark(response, told_cache=True))
    assert marks.just_wrote(sent_back(response, "written"))
