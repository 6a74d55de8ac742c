"""The ledger of sign-ups: what was promised, what is in the database, what was delivered.

`keep` sends sign-ups at a steady rate, while somebody kills, and `balance` compares. Verdicts are
as in Jepsen's: HOLDS, BROKEN, or UNKNOWN, which is not green.
"""

from __future__ import annotations

import json
import threading
import time
from collections import Counter, defaultdict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import httpx

from tests.system.stack import ENTRY, container, must, sql

if TYPE_CHECKING:
    from tests.system.kills import Kill

AT_A_TIME = 60
# Between the mail server's "250" and the worker's COMMIT: if either dies in between, the mail is
# sent again. Milliseconds; a box with a fifth of a core can be held still for longer.
WINDOW_S = 2.0
# A worker's mails in hand (worker/topology.py): no more can be in the window at a kill.
IN_HAND = 4


@dataclass
class Answers:
    """What the sign-ups were told: addresses by outcome, and how long the accepted ones took."""

    accepted: list[str] = field(default_factory=list)
    refused: Counter[str] = field(default_factory=Counter)
    unknown: Counter[str] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)


def sign_up_steadily(count: int, rate: float, mark: str) -> Answers:
    """Send so many sign-ups, so many a second, each once; a client that got no answer gives up."""
    answers, lock, pause = Answers(), threading.Lock(), threading.Event()

    def sign_up(number: int) -> None:
        email = f"{mark}-{number}@example.com"
        body = {"email": email, "name": "Ledger", "password": "a-long-password-of-a-test"}
        began = time.monotonic()
        try:
            status = client.post("/api/users", json=body).status_code
        except httpx.HTTPError as error:
            with lock:
                answers.unknown[type(error).__name__] += 1
            return
        with lock:
            if status == 201:
                answers.accepted.append(email)
                answers.seconds.append(time.monotonic() - began)
            else:
                # A gateway that lost its replica half-way does not know either.
                outcome = answers.unknown if status in {502, 504} else answers.refused
                outcome[str(status)] += 1

    limits = httpx.Limits(max_connections=AT_A_TIME, max_keepalive_connections=AT_A_TIME)
    with (
        httpx.Client(base_url=ENTRY, timeout=20, limits=limits) as client,
        ThreadPoolExecutor(AT_A_TIME) as visitors,
    ):
        begin = time.monotonic()
        for number in range(count):
            pause.wait(max(0.0, begin + number / rate - time.monotonic()))
            visitors.submit(sign_up, number)
    return answers


@dataclass(frozen=True)
class Mail:
    """A line of the mail server's journal."""

    at: float
    id: str
    to: str


def journal() -> list[Mail]:
    """Return what the mail server took, in the order in which it did."""
    lines = must("docker", "exec", container("mail"), "sh", "-c", "cat /mail/mails.jsonl || true")
    return [Mail(**json.loads(line)) for line in lines.splitlines()]


def members(mark: str) -> set[str]:
    """Return the addresses of the members of this ledger."""
    return set(sql(f"select email from users where email like '{mark}-%'").splitlines())


def waiting() -> int:
    """Return how many jobs wait anywhere: in the outbox, in queues, in queues for later."""
    unsent = int(sql("select count(*) from outbox where sent_at is null"))
    listed = must("docker", "exec", container("rabbitmq"), "rabbitmqctl", "--quiet", "--formatter",
                  "json", "list_queues", "name", "messages")  # fmt: skip
    queued = sum(
        queue["messages"] for queue in json.loads(listed) if not queue["name"].endswith(".dead")
    )
    return unsent + int(queued)


@dataclass(frozen=True)
class Balance:
    """The verdict, and the numbers that it stands on."""

    verdict: str
    why: list[str]
    numbers: dict[str, int]

    def __str__(self) -> str:
        """One line for a person."""
        numbers = ", ".join(f"{name} {number}" for name, number in self.numbers.items())
        return f"{self.verdict}: {numbers}" + "".join(f"\n  {reason}" for reason in self.why)


def balance(mark: str, answers: Answers, kills: list[Kill], *, still_waiting: int) -> Balance:
    """Compare what was promised with what is there."""
    there = members(mark)
    copies: dict[str, list[Mail]] = defaultdict(list)
    strangers = 0
    for mail in journal():
        if mail.to in there:
            copies[mail.to].append(mail)
        elif mail.to.startswith(mark):
            strangers += 1
    lost_members = set(answers.accepted) - there
    without_mail = there - copies.keys()
    two_jobs = [mails for mails in copies.values() if len({mail.id for mail in mails}) > 1]
    doubles = [mails for mails in copies.values() if len(mails) > 1]
    excused = [mails for mails in doubles if all(_in_window(mail, kills) for mail in mails[:-1])]
    in_vain = [kill for kill in kills if not kill.took_effect]
    most_excused = IN_HAND * sum(kill.service in {"worker", "mail"} for kill in kills)
    broken = [
        (bool(lost_members), f"answered 201 and not there: {sorted(lost_members)[:5]}"),
        (bool(without_mail) and not still_waiting, f"no mail: {sorted(without_mail)[:5]}"),
        (bool(strangers), "mails to who is no member"),
        (bool(two_jobs), "members welcomed by two jobs"),
        (len(excused) < len(doubles), "doubles outside of the window that the docs state"),
        (len(excused) > most_excused, "more doubles than jobs in hand at the kills"),
    ]
    unknown = [
        (bool(in_vain), f"kills without effect: {in_vain}"),
        (still_waiting > 0, "jobs still wait"),
        (len(answers.accepted) < sum(answers.unknown.values()), "hardly any was accepted"),
    ]
    numbers = {
        "accepted": len(answers.accepted), "refused": sum(answers.refused.values()),
        "unknown": sum(answers.unknown.values()), "members": len(there),
        "mails": sum(map(len, copies.values())), "without mail": len(without_mail),
        "doubles in the window": len(excused), "doubles outside": len(doubles) - len(excused),
        "lost members": len(lost_members), "still waiting": still_waiting, "kills": len(kills),
        **{f"kills of {name}": n for name, n in Counter(k.service for k in kills).items()},
    }  # fmt: skip
    for verdict, found in (("BROKEN", broken), ("UNKNOWN", unknown)):
        if why := [reason for so, reason in found if so]:
            return Balance(verdict, why, numbers)
    return Balance("HOLDS", [], numbers)


def _in_window(mail: Mail, kills: list[Kill]) -> bool:
    """Whether who sent or who took this mail was killed right after it was taken."""
    return any(
        kill.service in {"worker", "mail"} and -0.5 < kill.at - mail.at < WINDOW_S for kill in kills
    )
