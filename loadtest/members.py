"""Whoever has something to say: one in ten of the crowd, and all of its writes but sign-ups.

A member logs in once, when there is first something to write: a log-in costs the CPU time of a
hundred reads (Argon2), and one in every act would measure nothing else.
"""

from random import Random
from typing import Any

from loadtest import answers
from loadtest.visitors import PASSWORD, Browser, Data, Visitor

# More writes are those of more members, who write as often: of the crowd, for each of the calls
# that write. At a fifth everybody is one.
MEMBERS_PER_WRITE = 5.0
# Of a member's acts. A write is looked at afterwards, as the site does: it brings a read along.
WRITES_OF_MEMBER = 0.18
SHARE_OF_POSTS = 0.7  # of the writes; the others change the own name

LONGEST_POST = 12
SENTENCES = (
    "The queue was empty before noon.",
    "캐시를 비우고 나서야 알았다.",
    "Nobody noticed the deploy, which was the point.",
    "오늘은 조금 천천히 걸었다.",
    "It held at twice the load.",
    "다음 주에 다시 재 보기로 했다.",
    "The second replica answered first.",
    "비 오는 날에는 로그를 읽는다.",
    "We measured it twice and believed it once.",
    "아침 회의보다 먼저 알람이 울렸다.",
    "One index, and the whole page felt lighter.",
    "천천히 늘리고 자주 확인했다.",
)
NAMES = ("Mina", "지훈", "Noor", "서연")


def somebody(browser: Browser, data: Data, dice: Random, number: str, run: str) -> Visitor:
    """One person of the crowd: the dice decide who."""
    kind = Member if dice.random() < MEMBERS_PER_WRITE * data.writes else Visitor
    return kind(browser, data, dice, number, run)


class Member(Visitor):
    """A visitor with an account of the data set, logged in from the first write on."""

    def __init__(self, browser: Browser, data: Data, dice: Random, number: str, run: str) -> None:
        """As for a visitor."""
        super().__init__(browser, data, dice, number, run)
        self._id: int | None = None
        self._name = ""
        self._former_names: set[str] = set()

    def use(self) -> None:
        """Do one thing; a write and the look at it are one."""
        if self.dice.random() >= WRITES_OF_MEMBER:
            self.read()
            return
        if self._id is None:
            self._log_in()
        if self._id is None:
            return  # the refusal is in Locust's table; the next write tries again
        if self.dice.random() < SHARE_OF_POSTS:
            self._write_post(self._id)
        else:
            self._rename(self._id)

    def _log_in(self) -> None:
        # Not by Zipf: most of the crowd would be the same few.
        member_id = self.dice.randrange(self.data.member_count) + 1
        email = f"member{member_id}@example.com"
        session = self.browser.ask(
            "POST",
            "/api/sessions",
            lambda answer: answers.member(answer, id=member_id, email=email),
            expect=201,
            json={"email": email, "password": PASSWORD},
        )
        if session:
            self._id, self._name = session["id"], session["name"]

    def _write_post(self, member_id: int) -> None:
        title = self.dice.choice(SENTENCES).rstrip(".")
        body = " ".join(self.dice.choices(SENTENCES, k=self.dice.randint(1, LONGEST_POST)))
        post = self.browser.ask(
            "POST",
            "/api/posts",
            lambda answer: answers.written(answer, member_id, title),
            expect=201,
            json={"title": title, "body": body},
        )
        if post:
            self.post(post["id"])

    def _rename(self, member_id: int) -> None:
        name = f"{self.dice.choice(NAMES)} {self.label()}"
        renamed = self.browser.ask(
            "PATCH",
            "/api/users/{id}",
            lambda answer: answers.member(answer, id=member_id, name=name),
            path=f"/api/users/{member_id}",
            json={"name": name},
        )
        if renamed:
            self._former_names.add(self._name)
            self._former_names.discard(name)  # an earlier run of the same crowd gave it already
            self._name = name
            self._look_at_own_profile(member_id)

    def _look_at_own_profile(self, member_id: int) -> None:
        def check(answer: Any) -> None:
            answers.profile(answer, member_id)
            # Another person may be logged in to the same account and have renamed it since, so it
            # need not be the newest name of this one. But never one that was given up.
            if answer["name"] in self._former_names:
                raise answers.WrongAnswer("a member sees an own former name")

        self.browser.ask("GET", "/api/users/{id}", check, path=f"/api/users/{member_id}")
