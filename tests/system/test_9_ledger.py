"""Accepted means that it will happen, once: shown by counting while everything is killed.

`LEDGER_SIGN_UPS`, `LEDGER_ROUNDS` and `LEDGER_SEED` make it longer, or the same again.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import time
from collections import Counter

import pytest

from tests.drawn import drawn
from tests.system.kills import Killing, state
from tests.system.ledger import IN_HAND, balance, journal, sign_up_steadily, waiting
from tests.system.stack import (
    ROOT,
    Member,
    container,
    environment,
    figure,
    must,
    sign_up,
    wait_healthy,
)
from tests.system.waiting import eventually

SIGN_UPS = int(os.environ.get("LEDGER_SIGN_UPS") or 2000)
ROUNDS = int(os.environ.get("LEDGER_ROUNDS") or 2)
SEED = int(os.environ.get("LEDGER_SEED") or 0) or time.time_ns() % 100_000
RATE = 12.0  # a second; below what three replicas hash with the settings below
DRAINED_WITHIN_S = 240
LOOKS = 6  # at nothing, until it is believed (`drain`)

HEARTBEAT_S = 2
SHORT_HEARTBEATS = f"amqp://sluice:sluice@rabbitmq:5672/%2f?heartbeat={HEARTBEAT_S}"
LONG_JOBS = 8  # pictures, one after the other

STACK = {
    "COMPOSE_FILE": "docker-compose.yml:tests/mail.yml",
    "MONITORING": "off",
    # Hashes that cost little: what is counted here is mails, not the price of a password.
    "ARGON2_MEMORY_KIB": "64",
    "ARGON2_PASSES": "1",
    # The ladder in seconds instead of minutes, with as many rungs as the kills may need.
    "JOB_RETRY_S": "1,2,3,5,8,10,15,20,30",
}


@pytest.fixture(scope="module", autouse=True)
def counted_stack() -> None:
    """Stage 5 with a mail server that keeps what it took."""
    on_counted_stack("make", "stage-5")


def on_counted_stack(*command: str, **more: str) -> str:
    """Run a command that has to succeed on that stack; return what it printed."""
    done = subprocess.run(
        command,
        cwd=ROOT,
        env=environment(**STACK, **more),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-6000:]
    return done.stdout


def behave(**mood: object) -> None:
    """Tell the mail server how to be from now on."""
    write = f"echo '{json.dumps(mood)}' > /mail/mood.json"
    must("docker", "exec", container("mail"), "sh", "-c", write)


def drain(within_s: float) -> int:
    """Wait until no job waits anywhere; return how many still do.

    RabbitMQ counts each queue every five seconds, each at a time of its own. A job that waits for
    its next try for less than that, and then goes to the next waiting place, is in no count for up
    to ten seconds. So nothing must be seen six times in a row, every two seconds.
    """
    left = -1
    seen_nothing = 0

    def check() -> None:
        nonlocal left, seen_nothing
        left = waiting()
        seen_nothing = 0 if left else seen_nothing + 1
        assert seen_nothing >= LOOKS

    try:
        eventually(check, within_s=within_s, every_s=2)
    except AssertionError:
        return max(left, 1)
    return 0


def test_the_ledger_balances_while_everything_is_killed() -> None:
    """Broken: a member without a welcome mail, or with two, or a sign-up that was only promised."""
    mark = f"ledger-{SEED}-{time.time_ns()}"
    behave(slow_s=0.1)  # as a mail server far away: so that jobs are in hand when workers die
    killing = Killing(SEED, ROUNDS, pause_s=3)
    killing.start()
    answers = sign_up_steadily(SIGN_UPS, RATE, mark)
    killing.join(timeout=600)
    assert not killing.is_alive()
    for service in ("rabbitmq", "relay", "worker", "mail"):
        wait_healthy(service)
    left = drain(DRAINED_WITHIN_S)
    found = balance(mark, answers, killing.kills, still_waiting=left)
    print(f"\nseed {SEED}: {found}")
    assert killing.trouble is None, killing.trouble
    assert found.verdict == "HOLDS", str(found)
    each = Counter(kill.service for kill in killing.kills)
    assert all(
        each[service] >= ROUNDS for service in ("web", "relay", "rabbitmq", "worker", "mail")
    )


def test_a_failing_mail_server_costs_no_mail_and_no_sign_up_its_time() -> None:
    """Broken: mails are lost, or visitors wait for a mail server that refuses or hangs."""
    mark = f"failing-{time.time_ns()}"
    behave()
    calm = sign_up_steadily(100, RATE, f"{mark}-calm")
    behave(refuse=0.3, hang=0.05)
    failing = sign_up_steadily(100, RATE, f"{mark}-bad")
    assert len(failing.accepted) == 100, failing
    p50 = [statistics.median(answers.seconds) for answers in (calm, failing)]
    left = drain(DRAINED_WITHIN_S)
    behave()
    found = balance(f"{mark}-bad", failing, [], still_waiting=left)
    print(f"\n{found}; p50 of sign-ups {p50[0]:.3f} s calm, {p50[1]:.3f} s failing")
    assert found.verdict == "HOLDS", str(found)
    # The mail server is no part of a request: hanging, it would multiply the time of one.
    assert p50[1] < 2 * p50[0]


def test_a_worker_that_is_told_to_stop_finishes_what_it_has_in_hand() -> None:
    """Broken: with each deploy mails are cut off in the middle, and sent a second time."""
    mark = f"stopped-{time.time_ns()}"
    behave(slow_s=4)
    answers = sign_up_steadily(IN_HAND + 2, RATE, mark)

    def busy() -> None:
        assert in_hand() == IN_HAND

    eventually(busy, within_s=60, every_s=0.1)
    must("docker", "stop", "--timeout", "30", container("worker"))
    assert state(container("worker"))["ExitCode"] == 0
    finished = sum(mail.to.startswith(mark) for mail in journal())
    assert finished >= IN_HAND

    def given_back() -> None:
        assert queued("messages_unacknowledged") == 0
        assert queued("messages_ready") == len(answers.accepted) - finished

    eventually(given_back, within_s=30)  # RabbitMQ counts its queues every five seconds
    behave()
    must("docker", "start", container("worker"))
    assert drain(DRAINED_WITHIN_S) == 0
    mails = Counter(mail.to for mail in journal() if mail.to.startswith(mark))
    assert mails == Counter(answers.accepted)


def in_hand() -> int:
    """Return how many mails the worker is at, as it says itself."""
    return int(figure("sluice_worker_jobs_in_hand", "worker", kind="welcome_email"))


def queued(what: str) -> int:
    """Return so many messages of the welcome mails' queue."""
    listed = must("docker", "exec", container("rabbitmq"), "rabbitmqctl", "--quiet", "--formatter",
                  "json", "list_queues", "name", what)  # fmt: skip
    return next(
        int(queue[what]) for queue in json.loads(listed) if queue["name"] == "welcome_email"
    )


def test_what_is_refused_for_good_is_found_with_its_reason_and_delivered_by_a_replay() -> None:
    """Broken: a mail that was refused is gone, or nobody learns why, or it cannot be repaired."""
    mark = f"refused-{time.time_ns()}"
    behave(forever=True)
    answers = sign_up_steadily(3, RATE, mark)
    assert len(answers.accepted) == 3

    def all_dead() -> str:
        shown = on_counted_stack("make", "dead", "KIND=welcome_email")
        assert shown.count("refused after 1") >= 3, shown
        assert "550" in shown
        return shown

    eventually(all_dead, within_s=60, every_s=3)
    behave()
    assert "replayed 3 of 3" in on_counted_stack("make", "replay", "KIND=welcome_email")

    def delivered() -> None:
        mails = Counter(mail.to for mail in journal() if mail.to.startswith(mark))
        assert mails == Counter(answers.accepted)

    eventually(delivered, within_s=60)


def test_long_jobs_do_not_cost_the_worker_its_connection() -> None:
    """Broken: the loop stands still meanwhile, RabbitMQ cuts the worker off, jobs come twice."""
    on_counted_stack("make", "stage-5", BROKER_URL=SHORT_HEARTBEATS)
    before = connections("worker")
    assert [(link["timeout"], link["state"]) for link in before] == [(HEARTBEAT_S, "running")]
    uploads = [sign_up(f"long-{time.time_ns()}-{n}@example.com") for n in range(LONG_JOBS)]
    behave(slow_s=4)
    began = time.monotonic()
    answers = sign_up_steadily(IN_HAND, RATE, f"long-{time.time_ns()}")
    jobs = [(one, send_picture(one)) for one in uploads]
    for one, job in jobs:
        eventually(lambda one=one, job=job: done(one, job), within_s=120)  # type: ignore[misc]
    took_s = time.monotonic() - began
    behave()
    assert drain(DRAINED_WITHIN_S) == 0
    assert len(answers.accepted) == IN_HAND
    assert took_s > 4 * HEARTBEAT_S, "not long enough to show anything"
    assert connections("worker") == before


def connections(service: str) -> list[dict[str, object]]:
    """Return the connections of a service to RabbitMQ: when each was made, and its heartbeat."""
    known = ("pid", "connected_at", "timeout", "state")
    listed = must("docker", "exec", container("rabbitmq"), "rabbitmqctl", "--quiet", "--formatter",
                  "json", "list_connections", *known, "client_properties")  # fmt: skip
    return [
        {what: link[what] for what in known}
        for link in json.loads(listed)
        if f"{service}-1" in json.dumps(link["client_properties"])
    ]


def send_picture(member: Member) -> str:
    """Upload a large picture; return the address of its job."""
    answer = member.client.put(
        "/api/users/me/avatar",
        content=drawn("PNG", (3000, 3000)),
        headers={"content-type": "image/*"},
    )
    assert answer.status_code == 202, answer.text
    return answer.headers["location"]


def done(member: Member, job: str) -> None:
    """Check that a job is done."""
    assert member.client.get(job).json()["status"] == "done"
