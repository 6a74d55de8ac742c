"""Promises of `worker/retry.py`."""

from worker.retry import delay_s


def test_delays_grow_up_to_their_bound() -> None:
    """Broken: a mail server that is down is asked a thousand times a second, or never again."""
    for tries in range(1, 200):
        full_s = min(60.0, 2.0 ** (tries - 1))
        for _ in range(20):
            assert full_s / 2 <= delay_s(tries, first_s=1, most_s=60) <= full_s


def test_what_failed_together_does_not_come_back_together() -> None:
    """Broken: a hundred jobs fail, wait, and hit the mail server in the same moment again."""
    assert len({delay_s(3, first_s=1, most_s=60) for _ in range(100)}) > 90
