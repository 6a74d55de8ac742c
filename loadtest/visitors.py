"""Whoever only looks: nine in ten of the crowd. Now and then one of them signs up.

A visit is a journey: from a list to a post on it, to its author, to what else they wrote. Now and
then somebody comes from elsewhere, to any post or member at all, by Zipf's law.

Everything that is left to chance comes from the person's own dice, so that the same seed gives the
same crowd at every stage, however fast the answers come.
"""

from collections.abc import Callable
from random import Random
from typing import Any, Protocol

from loadtest import answers
from loadtest.page import EarlierVisit, Fetching, Page
from loadtest.zipf import Zipf

# Documented beside the data (db/seed): all of its members have this one.
PASSWORD = "sluice-demo-password"  # noqa: S105

# Of a visitor's acts, for each of the calls that write.
SIGN_UPS_PER_WRITE = 0.15
# The page stays open, and what comes next needs the API alone; now and then it is opened anew.
SHARE_OF_PAGES = 0.03
# Who reads a page of the newest posts goes on to the next one one time in four.
SHARE_OF_NEXT_PAGES = 0.25
# Who reads a post, or looks at a member, does so where they are: a post of the list seen last, the
# author of what was read last. The others come from elsewhere.
SHARE_OF_POSTS_ON_LIST = 0.75
SHARE_OF_AUTHORS_OF_POST = 0.5


class Browser(Fetching, Protocol):
    """What a person needs of a client."""

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
        """Send a request; → the decoded body, or None when the answer was wrong or missing.

        `route` is the template that it is counted under, and the path too where none is given.
        """


class Data:
    """What all have in common: members 1 … n and posts 1 … m, as db/seed made them, to ask for; and
    the share of their calls that write.
    """

    def __init__(self, members: int, posts: int, *, writes: float) -> None:
        """The counts are at least 1; the share is that of `settings`."""
        self.members = Zipf(members)
        self.posts = Zipf(posts)
        self.member_count = members
        self.writes = writes


class Visitor:
    """One person at one browser, for the whole run."""

    def __init__(self, browser: Browser, data: Data, dice: Random, number: str, run: str) -> None:
        """`number` is this person's own among the crowd, `run` this run's among all runs."""
        self.browser, self.data, self.dice = browser, data, dice
        self._number, self._run = number, run
        self._made = 0
        self._next_page: tuple[str, int] | None = None
        self._list: list[int] = []
        self._author_id: int | None = None
        self.page = Page(browser, EarlierVisit())
        self._opened = False

    def arrive(self, earlier: EarlierVisit, share_new: float) -> None:
        """Come with a browser that was here before, or with a new one: the dice decide."""
        if self.dice.random() >= share_new:
            self.page = Page(self.browser, earlier)

    def act(self) -> None:
        """Do one thing; the first is to open the page."""
        if not self._opened or self.dice.random() < SHARE_OF_PAGES:
            self._opened = True
            self.page.open()
        else:
            self.use()

    def use(self) -> None:
        """Do one thing on the open page."""
        if self.dice.random() < SIGN_UPS_PER_WRITE * self.data.writes:
            self._sign_up()
        else:
            self.read()

    def read(self) -> None:
        """Read one thing, as often as `READS` says."""
        act = self.dice.choices(list(READS), weights=list(READS.values()))[0]
        act(self)

    def popular(self) -> None:
        """The ten most viewed posts."""
        self._see(self.browser.ask("GET", "/api/posts/popular", answers.popular))

    def newest(self) -> None:
        """The newest posts, or the page after the one seen last."""
        cursor, below = self._next_page or (None, None)
        self._next_page = None
        page = self.browser.ask(
            "GET",
            "/api/posts",
            lambda answer: answers.page(answer, below),
            path=f"/api/posts?cursor={cursor}" if cursor else "/api/posts",
        )
        self._see(page)
        if page and page["next_cursor"] and self.dice.random() < SHARE_OF_NEXT_PAGES:
            self._next_page = page["next_cursor"], page["items"][-1]["id"]

    def profile(self) -> None:
        """Somebody's profile."""
        member_id = self._member()
        self.browser.ask(
            "GET",
            "/api/users/{id}",
            lambda answer: answers.profile(answer, member_id),
            path=f"/api/users/{member_id}",
        )

    def posts_of_member(self) -> None:
        """What somebody wrote."""
        member_id = self._member()
        page = self.browser.ask(
            "GET",
            "/api/users/{id}/posts",
            lambda answer: answers.page_of_author(answer, member_id),
            path=f"/api/users/{member_id}/posts",
        )
        self._see(page)

    def post(self, post_id: int | None = None) -> None:
        """One post, which counts a view."""
        wanted = post_id or self._post()
        post = self.browser.ask(
            "GET",
            "/api/posts/{id}",
            lambda answer: answers.post(answer, wanted),
            path=f"/api/posts/{wanted}",
        )
        if post:
            self._author_id = post["author"]["id"]

    def _post(self) -> int:
        if self._list and self.dice.random() < SHARE_OF_POSTS_ON_LIST:
            return self.dice.choice(self._list)
        return self.data.posts.draw(self.dice)

    def _member(self) -> int:
        if self._author_id and self.dice.random() < SHARE_OF_AUTHORS_OF_POST:
            return self._author_id
        return self.data.members.draw(self.dice)

    def _see(self, page: Any) -> None:
        """Have a list before one's eyes, if it came."""
        if page and page["items"]:
            self._list = [post["id"] for post in page["items"]]

    def label(self) -> str:
        """What nobody else in this run is called, nor this person was before."""
        self._made += 1
        return f"{self._number}.{self._made}"

    def _sign_up(self) -> None:
        # New in every run as well: the data is kept between runs.
        email = f"crowd-{self._run}-{self.label()}@example.com"
        self.browser.ask(
            "POST",
            "/api/users",
            lambda answer: answers.member(answer, email=email),
            expect=201,
            json={"email": email, "name": "Newcomer", "password": PASSWORD},
        )


class OneRoute:
    """Asks for one path and nothing else: to compare with tools that can do no more."""

    def __init__(self, browser: Fetching, path: str) -> None:
        """`path` is also what it is counted under."""
        self._browser, self._path = browser, path

    def act(self) -> None:
        """Ask once more."""
        self._browser.fetch(self._path, self._path, answers.something)


READS: dict[Callable[[Visitor], None], int] = {
    Visitor.popular: 14,
    Visitor.newest: 24,
    Visitor.profile: 27,
    Visitor.post: 28,
    Visitor.posts_of_member: 7,
}
