"""Promises of `app/sessions.py` and `app/own_writes.py`: what cookies say, and to whom."""

import asyncio
from http.cookies import SimpleCookie
from typing import Any, NamedTuple, cast

import pytest
from fastapi import Request, Response

from app.cache import Cache, Made
from app.database import PRIMARY, Database
from app.errors import DatabaseUnavailable, NotLoggedIn
from app.own_writes import OwnWrites, Written
from app.sessions import Sessions, keys, stamper
from app.settings import Settings


class Generation(NamedTuple):
    """A row of the statement that asks for it."""

    generation: int


class Members:
    """Knows which generation of a member's sessions counts; None: there is no such member."""

    def __init__(self, generation: int | None = 0) -> None:
        self.generation = generation

    async def read(self, _sql: str, _values: dict[str, Any], *, after: int) -> list[Generation]:
        """The generation; a replica's would be too old."""
        assert after == PRIMARY
        return [] if self.generation is None else [Generation(self.generation)]


class Primary:
    """Knows one position of its log; None: it is gone."""

    def __init__(self, position: int | None = 0x16B3748, *, has_replicas: bool = True) -> None:
        self._position = position
        self.has_replicas = has_replicas

    async def position(self) -> int:
        """The position, or what a primary that is gone would cause."""
        if self._position is None:
            raise DatabaseUnavailable
        return self._position


RECEIPT = "0badcafe.7"


class Told:
    """A cache that can be told of a write, or not, and remembers what it was told."""

    def __init__(self, *, reachable: bool = True, settled: bool = False) -> None:
        self.reachable = reachable
        self.settled = settled
        self.told: list[tuple[tuple[str, ...], int, str, Made | None]] = []

    async def invalidate(self, *keys: str, position: int, mark: str, made: Made | None) -> str:
        """Take it."""
        self.told.append((keys, position, mark, made))
        return "" if self.reachable else RECEIPT

    async def is_settled(self, receipt: str) -> bool:
        """Whether it was told later."""
        assert receipt == RECEIPT
        return self.settled


def request(cookie: str = "") -> Request:
    """A request that carries this."""
    return Request({"type": "http", "headers": [(b"cookie", cookie.encode("latin-1"))]})


def sent_back(response: Response, name: str) -> Request:
    """The next request of a browser that got this response."""
    cookies = SimpleCookie(response.headers["set-cookie"])
    return request(f"{name}={cookies[name].value}")


def sessions(settings: Settings, generation: int | None = 0) -> Sessions:
    """Sessions of a process without a cache, whose database knows this generation."""
    return Sessions(cast("Database", Members(generation)), Cache(None, settings), settings)


def logged_in(settings: Settings, generation: int = 0) -> Response:
    """The answer to a log-in."""
    response = Response()
    sessions(settings).begin(response, 42, generation)
    return response


def known(settings: Settings, asking: Request, generation: int | None = 0) -> int:
    """The member that the request is from."""
    return asyncio.run(sessions(settings, generation).member(asking))


def own_writes(
    settings: Settings, primary: Primary | None = None, cache: Told | None = None
) -> OwnWrites:
    """Marks of a process that talks to these."""
    db = cast("Database", primary or Primary())
    return OwnWrites(db, cast("Cache", cache or Told()), stamper(settings), settings)


def written(marks: OwnWrites, asking: Request) -> Written:
    """What the sender of this has written lately."""
    return asyncio.run(marks.of(asking))


def after_a_write(settings: Settings, *, told: bool = True) -> Request:
    """The next request of who has just written."""
    response = Response()
    asyncio.run(own_writes(settings, cache=Told(reachable=told)).settle(response, "user:1"))
    return sent_back(response, "written")


def test_who_logs_in_on_one_replica_is_known_on_all(settings: Settings) -> None:
    """Broken: behind a balancer members are logged in on every third request."""
    response = logged_in(settings)
    assert known(settings, sent_back(response, "session")) == 42


def test_a_key_can_be_replaced_without_logging_anybody_out(settings: Settings) -> None:
    """Broken: all members are logged out by the change of a key."""
    before, after = (
        settings.model_copy(update={"session_keys": each}) for each in ("old", "new,old")
    )
    response = logged_in(before)
    assert known(after, sent_back(response, "session")) == 42


def test_a_key_that_was_taken_away_opens_nothing(settings: Settings) -> None:
    """Broken: a stolen key cannot be made worthless."""
    response = logged_in(settings.model_copy(update={"session_keys": "stolen"}))
    with pytest.raises(NotLoggedIn):
        known(settings, sent_back(response, "session"))


def test_the_newest_key_signs(settings: Settings) -> None:
    """Broken: a key that is on its way out is still needed."""
    response = logged_in(settings)
    newest_only = settings.model_copy(update={"session_keys": "newest"})
    assert known(newest_only, sent_back(response, "session")) == 42


@pytest.mark.parametrize("cookie", ["", "session=", "session=MQ.x.y", "session=ÿ", "other=1"])
def test_what_we_did_not_sign_is_nobody(settings: Settings, cookie: str) -> None:
    """Broken: a session can be made up, or nonsense is answered with 500."""
    with pytest.raises(NotLoggedIn):
        known(settings, request(cookie))


def test_a_session_ends_with_its_age(settings: Settings) -> None:
    """Broken: a cookie that was copied once opens the account for ever."""
    response = logged_in(settings)
    expired = settings.model_copy(update={"session_max_age_s": -1})
    with pytest.raises(NotLoggedIn):
        known(expired, sent_back(response, "session"))


def test_scripts_and_other_sites_do_not_get_the_cookie(settings: Settings) -> None:
    """Broken: one line of injected script takes every session, a foreign form uses it."""
    response = logged_in(settings.model_copy(update={"session_cookie_secure": True}))
    cookie = response.headers["set-cookie"]
    assert cookie.startswith("__Host-session=")
    assert {"HttpOnly", "SameSite=lax", "Secure", "Path=/"} <= set(cookie.split("; "))
    assert "domain" not in cookie.lower()


def test_a_cookie_that_a_neighbouring_host_could_set_is_no_session(settings: Settings) -> None:
    """Broken: where https is spoken, a cookie without the browser's guarantee is believed."""
    secure = settings.model_copy(update={"session_cookie_secure": True})
    cookie = SimpleCookie(logged_in(secure).headers["set-cookie"])["__Host-session"].value
    assert known(secure, request(f"__Host-session={cookie}")) == 42
    with pytest.raises(NotLoggedIn):
        known(secure, request(f"session={cookie}"))


def test_logging_out_everywhere_ends_what_began_before_and_nothing_after(
    settings: Settings,
) -> None:
    """Broken: a stolen cookie outlives the log-out, or nobody can log in again after it."""
    old, new = (sent_back(logged_in(settings, n), "session") for n in (3, 4))
    assert known(settings, old, generation=3) == 42
    with pytest.raises(NotLoggedIn):
        known(settings, old, generation=4)
    assert known(settings, new, generation=4) == 42
    # A cache that has not heard of the log-out yet must not refuse who logged in after it.
    assert known(settings, new, generation=3) == 42


def test_a_member_who_is_gone_has_no_session(settings: Settings) -> None:
    """Broken: the cookie of a removed account still writes."""
    with pytest.raises(NotLoggedIn):
        known(settings, sent_back(logged_in(settings), "session"), generation=None)


def test_the_order_in_which_a_new_key_is_brought_matters(settings: Settings) -> None:
    """Broken: docs/sessions.md tells an order in which half of the replicas refuse new sessions."""
    old, taught, signing = (
        settings.model_copy(update={"session_keys": keys}) for keys in ("old", "old,new", "new,old")
    )
    # Rolled out in two steps, any two neighbours understand each other ...
    for one, other in ((old, taught), (taught, old), (taught, signing), (signing, taught)):
        assert known(other, sent_back(logged_in(one), "session")) == 42
    # ... and in one step, a replica that is still old does not know what a new one signs.
    with pytest.raises(NotLoggedIn):
        known(old, sent_back(logged_in(signing), "session"))


def test_without_keys_the_web_process_does_not_start(settings: Settings) -> None:
    """Broken: sessions are signed with an empty key, which everybody knows."""
    with pytest.raises(ValueError, match="SESSION_KEYS"):
        keys(settings.model_copy(update={"session_keys": " , "}))


def test_who_wrote_is_recognised_on_every_replica(settings: Settings) -> None:
    """Broken: a member changes the name and sees the old one, from a replica that lags."""
    other_process = own_writes(settings)
    assert written(other_process, after_a_write(settings)) == Written(0x16B3748, bypass=False)


def test_the_cache_is_told_the_position_after_the_write(settings: Settings) -> None:
    """Broken: a replica without the write fills the cache with the value before it."""
    cache = Told()
    marks = own_writes(settings, cache=cache)
    made = Made("post:2", b"{}", 60)
    asyncio.run(marks.settle(Response(), "user:1", "newest:all", mark="announced", made=made))
    assert cache.told == [(("user:1", "newest:all"), 0x16B3748, "announced", made)]


@pytest.mark.parametrize(
    "cookie", ["", "written=", "written=16b3748", "written=16b3748.x.y", "written=ÿ"]
)
def test_nobody_can_ask_for_the_primary_by_a_cookie_of_his_own(
    settings: Settings, cookie: str
) -> None:
    """Broken: a crowd with a made-up cookie puts all reads onto the primary."""
    assert written(own_writes(settings), request(cookie)) == Written()


@pytest.mark.parametrize(
    "value", ["0/16B3748", "-1", "", "1" * 17, "!", "7!", "7!!", "7!x.1", "7\n"]
)
def test_a_mark_of_another_shape_is_none(settings: Settings, value: str) -> None:
    """Broken: the cookie of another version of this application is answered with 500."""
    cookie = stamper(settings).sign(value).decode("ascii")
    assert written(own_writes(settings), request(f'written="{cookie}"')) == Written()


def test_a_session_is_no_mark_of_a_write(settings: Settings) -> None:
    """Broken: signatures of one purpose are accepted for another."""
    response = logged_in(settings)
    session = SimpleCookie(response.headers["set-cookie"])["session"].value
    assert written(own_writes(settings), request(f"written={session}")) == Written()


@pytest.mark.parametrize("told", [True, False])
def test_a_mark_lasts_for_a_bounded_time(settings: Settings, *, told: bool) -> None:
    """Broken: who wrote once reads from the primary for ever."""
    asking = after_a_write(settings, told=told)
    over = {"own_writes_s": -1} if told else {"own_writes_untold_s": -1}
    assert written(own_writes(settings), asking) != Written()
    assert written(own_writes(settings.model_copy(update=over)), asking) == Written()


def test_who_wrote_past_the_cache_reads_past_the_cache_for_longer(settings: Settings) -> None:
    """Broken: another replica finds the old value in Redis, and the author reads it."""
    over = settings.model_copy(update={"own_writes_s": -1})
    for told in (True, False):
        asking = after_a_write(settings, told=told)
        assert written(own_writes(settings), asking) == Written(0x16B3748, bypass=not told)
        assert written(own_writes(over), asking).bypass is not told


def test_as_soon_as_the_cache_was_told_its_author_reads_it_again(settings: Settings) -> None:
    """Broken: Redis is silent for a second, and who wrote then is served without it for minutes."""
    asking = after_a_write(settings, told=False)
    marks = own_writes(settings, cache=Told(settled=True))
    assert written(marks, asking) == Written(0x16B3748, bypass=False)
    over = settings.model_copy(update={"own_writes_s": -1})
    assert written(own_writes(over, cache=Told(settled=True)), asking) == Written()


def test_where_no_read_can_be_older_there_is_no_mark(settings: Settings) -> None:
    """Broken: at stages 1 and 2 every answer to a write carries a cookie that serves nothing."""
    primary = Primary(0, has_replicas=False)
    for told in (True, False):
        response = Response()
        marks = own_writes(settings, primary, Told(reachable=told))
        asyncio.run(marks.settle(response, "user:1"))
        assert ("set-cookie" in response.headers) is not told


def test_a_write_whose_position_is_unknown_is_not_acknowledged(settings: Settings) -> None:
    """Broken: the primary dies after the commit, the answer says yes, and the next read is old."""
    cache = Told()
    with pytest.raises(DatabaseUnavailable):
        asyncio.run(own_writes(settings, Primary(None), cache).settle(Response(), "user:1"))
    assert cache.told == [], "the announcement stays, and keeps old values out of the cache"
