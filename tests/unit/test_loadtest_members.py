"""The crowd behaves as its description says."""

import hashlib
from collections import Counter
from collections.abc import Callable
from random import Random
from typing import Any

import pytest

from loadtest.answers import WrongAnswer
from loadtest.members import somebody
from loadtest.page import EarlierVisit, Fetched
from loadtest.visitors import Data

PEOPLE, ACTS = 800, 60

ETAG = '"1"'
FILES = {
    f"/static/{n}.{hashlib.sha256(body).hexdigest()[:12]}.js": body
    for n, body in enumerate((b"one", b"two", b"three"))
}
LINKS = "".join(f'<link href="{path}">' for path in FILES)
SESSION = "POST /api/sessions"
PAGE = f"<!doctype html><html>{LINKS}</html>".encode()
SEEN = EarlierVisit(ETAG, frozenset(FILES))
SHARE_NEW = 0.1


class Site:
    """A browser of ten lines: remembers what was asked, and answers as the API would."""

    def __init__(self, *, forgets_names: bool = False, refuses: str = "") -> None:
        self.asked: list[tuple[str, str, str]] = []
        self.wrong: list[str] = []
        self._names: dict[int, str] = {}
        self._titles: dict[int, tuple[int, str]] = {}
        self._forgets_names, self._refuses, self._me = forgets_names, refuses, 0

    def ask(
        self,
        method: str,
        route: str,
        check: Callable[[Any], None],
        *,
        path: str | None = None,
        expect: int = 200,
        json: dict[str, str] | None = None,
    ) -> Any:
        """Answer, after the check that Locust's user makes as well."""
        self.asked.append((method, route, path or route))
        assert expect == (201 if method == "POST" else 200)
        if f"{method} {route}" == self._refuses:
            return None
        answer = self._answer(f"{method} {route}", path or route, json or {})
        try:
            check(answer)
        except WrongAnswer as wrong:
            self.wrong.append(str(wrong))
            return None
        return answer

    def fetch(
        self, route: str, path: str, check: Callable[[bytes], None], etag: str = ""
    ) -> Fetched | None:
        """Answer with the page, or with a file that it names; a copy that is held is good."""
        self.asked.append(("GET", route, path))
        if etag == ETAG:
            return None
        body = PAGE if path == "/" else FILES[path]
        check(body)
        return Fetched(body, ETAG)

    def together(self, calls: list[Callable[[], object]]) -> None:
        """One after the other."""
        for call in calls:
            call()

    def _answer(self, call: str, path: str, sent: dict[str, str]) -> Any:
        words = path.split("/")
        given = int(words[3]) if len(words) > 3 and words[3].isdigit() else 1
        if call == "POST /api/sessions":
            self._me = int(sent["email"].removeprefix("member").split("@")[0])
        if call == "PATCH /api/users/{id}" and not self._forgets_names:
            self._names[given] = sent["name"]
        if call == "POST /api/posts":
            self._titles[999] = (self._me, sent["title"])
        name = sent.get("name") or self._names.get(given, f"Member {given}")
        member = {
            "id": given,
            "name": name,
            "email": sent.get("email", "me@example.com"),
            "created_at": "2026",
        }
        author, title = self._titles.get(given, (1, "t")) if "posts" in call else (1, "t")
        post = {
            "id": given,
            "title": title,
            "views": 1,
            "created_at": "2026",
            "author": {"id": author, "name": "n"},
        }
        below = int(path.rpartition("=")[2]) if "cursor" in path else 1000
        one_by = {**post, "id": below - 1, "author": {"id": given, "name": "n"}}
        answers: dict[str, Any] = {
            "GET /api/posts/popular": {"items": [post] * 10},
            "GET /api/posts": {"items": [one_by], "next_cursor": str(below - 1)},
            "GET /api/users/{id}/posts": {"items": [one_by], "next_cursor": None},
            "GET /api/users/{id}": {
                "id": given,
                "name": name,
                "created_at": "2026",
                "post_count": 0,
            },
            "GET /api/posts/{id}": {**post, "body": "b"},
            "POST /api/posts": {
                **post,
                "id": 999,
                "title": sent.get("title"),
                "author": {"id": self._me, "name": "n"},
            },
            "POST /api/sessions": {**member, "id": self._me, "name": f"Member {self._me}"},
        }
        return answers.get(call, member)


def crowd(writes: float = 0.02, **behaviour: Any) -> list[Site]:
    """The whole crowd, each person at a site of its own, after some acts."""
    data, sites = Data(2000, 900, writes=writes), []
    for number in range(PEOPLE):
        site = Site(**behaviour)
        person = somebody(site, data, Random(f"1/{number}"), str(number), "run")
        person.arrive(SEEN, SHARE_NEW)
        for _ in range(ACTS):
            person.act()
        sites.append(site)
    return sites


def calls(sites: list[Site]) -> Counter[str]:
    """How often each call was made."""
    return Counter(f"{method} {route}" for site in sites for method, route, _ in site.asked)


@pytest.mark.parametrize("writes", [0.0, 0.02, 0.1, 0.2])
def test_as_many_calls_of_the_api_write_as_is_said(writes: float) -> None:
    """Broken: the claim about a service that mostly reads is measured on one that does not."""
    counted = Counter(
        {
            call: n
            for call, n in calls(crowd(writes)).items()
            if "/api/" in call and SESSION not in call
        }
    )
    reads = sum(number for call, number in counted.items() if call.startswith("GET"))
    # A member looks at what was written: at a fifth these looks are many.
    assert 1 - reads / counted.total() == pytest.approx(writes, rel=0.25)


def test_every_call_of_the_api_is_made() -> None:
    """Broken: a route can fail under load without anybody noticing."""
    assert set(calls(crowd())) - {"GET /", "GET /static/{file}"} == {
        "GET /api/posts/popular",
        "GET /api/posts",
        "GET /api/posts/{id}",
        "GET /api/users/{id}",
        "GET /api/users/{id}/posts",
        "POST /api/posts",
        "PATCH /api/users/{id}",
        "POST /api/sessions",
        "POST /api/users",
    }


def test_everybody_opens_the_page_first_and_again_now_and_then() -> None:
    """Broken: static files are measured at no stage, or nothing else is."""
    sites = crowd()
    assert {site.asked[0][1] for site in sites} == {"/"}
    shares = calls(sites)
    again = (shares["GET /"] - PEOPLE) / (PEOPLE * (ACTS - 1))
    assert again == pytest.approx(0.03, abs=0.006)


def test_a_file_is_fetched_once_by_a_new_browser_and_never_by_one_that_was_here() -> None:
    """Broken: the crowd has no cache, and files weigh a hundred times what they do."""
    fetched = [[path for _, route, path in site.asked if "static" in route] for site in crowd()]
    assert {tuple(paths) for paths in fetched} == {(), tuple(FILES)}
    new = sum(bool(paths) for paths in fetched)
    assert new / PEOPLE == pytest.approx(SHARE_NEW, abs=0.05)


def test_a_right_site_has_no_failures() -> None:
    """Broken: a run against a right site has failures."""
    assert [wrong for site in crowd() for wrong in site.wrong] == []


def test_a_member_logs_in_once_and_most_never() -> None:
    """Broken: the run measures how fast passwords can be hashed."""
    log_ins = [sum(route == "/api/sessions" for _, route, _ in site.asked) for site in crowd()]
    assert set(log_ins) == {0, 1}
    assert sum(log_ins) / PEOPLE == pytest.approx(0.1, abs=0.03)


def test_a_member_who_sees_a_former_own_name_says_so() -> None:
    """Broken: a stale cache, or a replica that lags, goes unnoticed."""
    wrong = {wrong for site in crowd(forgets_names=True) for wrong in site.wrong}
    assert "a member sees an own former name" in wrong


def test_who_cannot_log_in_tries_again_and_writes_nothing() -> None:
    """Broken: one refused log-in turns a member into a stream of 401s."""
    counted = calls(crowd(refuses=SESSION))
    assert counted[SESSION] > calls(crowd())[SESSION]
    assert counted["POST /api/posts"] == counted["PATCH /api/users/{id}"] == 0


def test_the_same_seed_is_the_same_crowd() -> None:
    """Broken: stages are compared under different loads."""
    first, second = crowd(), crowd()
    assert [site.asked for site in first] == [site.asked for site in second]
    assert first[0].asked != first[1].asked


def test_the_next_page_goes_on_where_the_last_one_ended() -> None:
    """Broken: everybody looks at page one, and keyset pages are never measured."""
    paths = [path for site in crowd() for _, route, path in site.asked if route == "/api/posts"]
    assert "/api/posts?cursor=999" in paths
    assert "/api/posts?cursor=998" in paths


def test_a_visit_goes_on_from_what_was_seen() -> None:
    """Broken: everybody comes from elsewhere each time, as nobody visits a site."""
    on_list = elsewhere = of_author = 0
    for site in crowd(writes=0.0):
        listed: set[str] = set()
        for _, route, path in site.asked:
            if route == "/api/posts":
                listed = {"/api/posts/999", "/api/posts/998", "/api/posts/997"}
            elif route == "/api/posts/{id}" and listed:
                on_list += path in listed
                elsewhere += path not in listed
            of_author += path == "/api/users/1"
    assert on_list > elsewhere > 0
    assert of_author > PEOPLE  # the site's posts are all by member 1
