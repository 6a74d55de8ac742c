"""Promises of `worker/topology.py` and of the ladder of retries."""

import pytest

from app.settings import Settings
from worker import retry, topology

LADDER_S = (5.0, 30.0, 120.0, 450.0)


def test_every_delay_that_a_job_may_be_given_has_its_queue(settings: Settings) -> None:
    """Broken: a job that is put off is returned by the broker."""
    names = {queue.name for queue in topology.queues(settings)}
    for tries in range(1, len(settings.job_retry_s) + 1):
        for _ in range(200):
            delay_ms = retry.rung_delay_ms(tries, settings.job_retry_s)
            assert f"{topology.LATER}.{delay_ms}ms" in names


def test_what_failed_together_does_not_come_back_together() -> None:
    """Broken: a mail server that has just come back is hit by all at once."""
    assert len({retry.rung_delay_ms(1, LADDER_S) for _ in range(200)}) > 1


def test_by_default_five_tries_take_about_ten_minutes(settings: Settings) -> None:
    """Broken: a restart of the mail server puts mails with the dead, or they come hours later."""
    assert len(settings.job_retry_s) + 1 == 5
    least_s = sum(
        min(retry._rung_ms(rung)) / 1000  # noqa: SLF001
        for rung in settings.job_retry_s
    )
    most_s = sum(
        max(retry._rung_ms(rung)) / 1000  # noqa: SLF001
        for rung in settings.job_retry_s
    )
    assert 6 * 60 < least_s < sum(settings.job_retry_s) < most_s < 15 * 60
    assert retry.rung_delay_ms(5, settings.job_retry_s) is None


def test_no_queue_loses_what_it_hands_on(settings: Settings) -> None:
    """Broken: a message between two queues is gone when the broker is killed."""
    for queue in topology.queues(settings):
        if "x-dead-letter-exchange" in queue.arguments:
            assert queue.arguments["x-dead-letter-strategy"] == "at-least-once"
            assert queue.arguments["x-overflow"] == "reject-publish"
        assert queue.arguments["x-queue-type"] == "quorum"


def test_the_dead_have_their_place_before_anybody_dies(settings: Settings) -> None:
    """Broken: a queue has nowhere to put its dead while the topology is being declared."""
    names = [queue.name for queue in topology.queues(settings)]
    for kind in topology.KINDS:
        assert names.index(kind.dead) < names.index(kind.name)


def test_a_worker_may_leave_a_kind_to_others() -> None:
    """Broken: small jobs wait behind large ones, and no setting helps."""
    assert topology.shares({"welcome_email": 0})["welcome_email"] == 0
    assert topology.shares({}) == {kind.name: kind.at_a_time for kind in topology.KINDS}


def test_a_misspelled_kind_is_told() -> None:
    """Broken: a setting has no effect, and nobody learns why."""
    with pytest.raises(ValueError, match="welcome_mail"):
        topology.shares({"welcome_mail": 3})
