"""`make bench-jobs`: what the relay and the worker spend on a job, and what a sign-up waits for.

- Relay: rows that wait in the outbox are sent; until none is left.
- Worker: the same jobs, in the broker, are done at several prefetch counts. They are the cheapest
  there are (one UPDATE, and the row that remembers the job), so this is the price of *being* a job.
- Sign-ups at one rate on three servers at once: one that gives the mail to the queue (as it ships
  at stage 5), one that sends it inside the request (as at stage 4), one that knows of no mail.
"""

from __future__ import annotations

import json
import time
from typing import Any

from loadtest.bench.commands import Stop
from loadtest.bench.stack import Stack

JOBS = 5_000
PREFETCH = (1, 10, 100)
ROUNDS = 3
WITHIN_S = 180
SIGN_UPS, RATE = 400, 10.0  # of each server, and a second
MAIL_OFF_AT_MOST = 1.2  # p95 by queue, as a multiple of p95 without any mail
KIND = "write_views"
DONE = "SELECT count(*) FROM handled_jobs"
UNSENT = "SELECT count(*) FROM outbox WHERE sent_at IS NULL"
# Each adds a view to a post of its own.
FILL = """
INSERT INTO outbox (id, kind, version, payload, created_at)
SELECT gen_random_uuid(), 'write_views', 1,
       jsonb_build_object('posts', jsonb_build_array(n), 'views', jsonb_build_array(1)), now()
FROM generate_series(1, {jobs}) AS n
"""

Figures = dict[str, Any]


def prepare(stack: Stack) -> None:
    """The databases, as for `make bench`, with a broker and a mail server beside them."""
    stack.prepare(images=("web", "primary", "redis", "rabbitmq", "mail"))
    stack.up("rabbitmq", "mail")


def measure(stack: Stack) -> Figures:
    """All three, in this order."""
    rounds = [_relay_and_workers(stack) for _ in range(ROUNDS)]
    sign_ups = _sign_ups(stack)
    ratio = sign_ups["queue"]["p95_ms"] / sign_ups["no_mail"]["p95_ms"]
    return {
        "jobs": JOBS,
        "rounds": rounds,
        "sign_ups": sign_ups,
        "p95_queue_to_no_mail": round(ratio, 3),
        "goal_met": ratio <= MAIL_OFF_AT_MOST,
    }


def table(measured: Figures) -> str:
    """What a person reads: medians of the rounds."""
    lines = [f"CPU time a job, and jobs a second of one core; median of {ROUNDS} rounds of {JOBS}"]
    for name in measured["rounds"][0]:
        us = sorted(each[name]["us_a_job"] for each in measured["rounds"])[ROUNDS // 2]
        lines.append(f"  {name:<22} {us:6.0f} µs  {1e6 / us:7.0f} /s")
    lines.append(f"sign-ups, {RATE:g} a second on each of three servers at once, {SIGN_UPS} each")
    for name, figures in measured["sign_ups"].items():
        lines.append(f"  {name:<22} p50 {figures['p50_ms']:6.1f} ms  p95 {figures['p95_ms']:6.1f}")
    word = "met" if measured["goal_met"] else "MISSED"
    ratio = measured["p95_queue_to_no_mail"]
    lines.append(f"  queue / no_mail, p95    {ratio:.2f} ×  goal ≤ {MAIL_OFF_AT_MOST}: {word}")
    return "\n".join(lines)


def _relay_and_workers(stack: Stack) -> Figures:
    """One round: as many jobs as there are prefetch counts, sent, and then done."""
    found: Figures = {}
    for prefetch in PREFETCH:
        stack.sql("TRUNCATE handled_jobs")
        stack.sql(FILL.format(jobs=JOBS))
        sent = _until(stack, "relay", UNSENT, 0)
        done = _until(
            stack,
            "worker",
            DONE,
            JOBS,
            WORKER_PREFETCH=f"{KIND}={prefetch}",
            WORKER_AT_A_TIME=f"{KIND}=10",
        )
        found.setdefault("relay", sent)
        found[f"worker, prefetch {prefetch}"] = done
    return found


def _until(stack: Stack, service: str, question: str, answer: int, **settings: str) -> Figures:
    """Start a service, and stop it when the database answers so; what it spent on a job."""
    began = time.monotonic()
    stack.start_quietly(service, **settings)
    while int(stack.sql(question)) != answer:
        if time.monotonic() - began > WITHIN_S:
            raise Stop(f"{service} did not come to an end within {WITHIN_S} s")
        time.sleep(0.2)
    seconds, spent_ns = time.monotonic() - began, stack.cpu_ns(service)
    stack.stop(service)
    idle_ns = _start_ns(stack, service, **settings)
    return {"us_a_job": (spent_ns - idle_ns) / JOBS / 1000, "seconds": round(seconds, 2)}


def _start_ns(stack: Stack, service: str, **settings: str) -> int:
    """What the same service spends on starting when there is nothing to do."""
    stack.start_quietly(service, **settings)
    time.sleep(3)
    spent = stack.cpu_ns(service)
    stack.stop(service)
    return spent


def _sign_ups(stack: Stack) -> Figures:
    names = {"queue": "web", "in_the_request": "mail-in-request", "no_mail": "no-mail"}
    stack.start(tuple(names.values()))
    stack.start_quietly("relay")
    stack.start_quietly("worker")
    urls = [f"{name}=http://{service}:8000/api/users" for name, service in names.items()]
    stack.inside("steady", "40", str(RATE), *urls)  # warm
    told: Figures = json.loads(stack.inside("steady", str(SIGN_UPS), str(RATE), *urls))
    failed = {name: each["failed"] for name, each in told.items() if each["failed"]}
    if failed:
        raise Stop(f"sign-ups failed: {failed}; see `docker logs`")
    return told
