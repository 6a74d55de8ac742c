"""Promises of `jobs/`: what travels between app and worker."""

import json
from typing import Any

import pytest
from pydantic import ValidationError

from jobs import JobRejected, WelcomeEmail, envelope
from jobs.payloads import PAYLOADS
from worker import broker
from worker.handlers import HANDLERS
from worker.topology import KINDS


def message(**changes: Any) -> bytes:
    """A job on the wire, with something changed."""
    job = envelope.new(WelcomeEmail(email="ann@example.com", name="Ann"))
    return json.dumps(json.loads(envelope.encode(job)) | changes).encode()


def test_a_job_arrives_as_it_was_sent() -> None:
    """Broken: the worker welcomes somebody else, or nobody."""
    job = envelope.new(WelcomeEmail(email="ann@example.com", name="Zoë 😀"))
    arrived = envelope.decode(envelope.encode(job))
    assert arrived == job
    assert arrived.read() == WelcomeEmail(email="ann@example.com", name="Zoë 😀")


def test_ids_are_in_the_order_of_time() -> None:
    """Broken: the relay sends what came last first, and the outbox's index grows in the middle."""
    ids = [envelope.new(WelcomeEmail(email="a@b.c", name="A")).id for _ in range(100)]
    assert ids == sorted(ids)
    assert {each.version for each in ids} == {7}


@pytest.mark.parametrize(
    "wrong",
    [
        b"",
        b"\xff",
        b"null",
        b"[]",
        b"{}",
        b"{" * 10_000,
        message(id="1"),
        message(kind="unheard_of"),
        message(kind="Welcome Email"),
        message(version=2),
        message(created_at="yesterday"),
        message(created_at="2026-01-01T00:00:00"),
        message(payload={}),
        message(payload={"email": "a@b.c", "name": 1}),
        message(payload={"email": "a@b.c", "name": "A", "more": 1}),
        message(more=1),
        message(payload={"email": "a@b.c", "name": "x" * 70_000}),
    ],
)
def test_what_is_no_job_is_rejected_with_its_reason(wrong: bytes) -> None:
    """Broken: a poisoned message is tried for ever, or crashes the worker."""
    with pytest.raises(JobRejected, match=r"\w"):
        envelope.decode(wrong)


def test_what_is_wrong_is_told_without_what_stood_there() -> None:
    """Broken: a member's address stands in a log line, because their job could not be read."""
    bad = message(payload={"email": "ann@example.com", "name": 1, "more": "ann@example.com"})
    for wrong in (bad, message(created_at="ann@example.com")):
        with pytest.raises(JobRejected) as rejected:
            envelope.decode(wrong)
        assert "ann@" not in str(rejected.value)


def test_the_request_travels_beside_the_job_and_not_in_it() -> None:
    """Broken: a worker of the version before refuses every job; or no line knows its request."""
    job = envelope.new(WelcomeEmail(email="a@b.c", name="A"), request_id="f" * 32)
    body = envelope.encode(job)
    assert sorted(json.loads(body)) == ["created_at", "id", "kind", "payload", "version"]
    about = broker.properties(job)
    assert about.correlation_id == "f" * 32
    assert envelope.decode(body, about.correlation_id) == job
    assert envelope.decode(body).request_id is None, "an older job"


def test_the_sender_cannot_write_what_no_receiver_takes() -> None:
    """Broken: the mistake is found by a worker, hours after the request was answered."""
    with pytest.raises(ValidationError):
        WelcomeEmail(email="", name="Ann")


def test_every_kind_has_a_queue_and_a_handler() -> None:
    """Broken: a job is accepted and then returned by the broker, or dies for want of a handler."""
    kinds = {kind for kind, _ in PAYLOADS}
    assert kinds == set(HANDLERS)
    assert kinds == {kind.name for kind in KINDS}
