"""What an operator does to the dead: one is discarded, and no other."""

import asyncio
from types import SimpleNamespace
from typing import Any, cast

import pytest

from worker import queues
from worker.broker import Link

DEAD = ["first", "second", "third"]


class Broker:
    """A link to a queue of dead jobs, which remembers what became of each."""

    def __init__(self) -> None:
        self.ends: dict[str, str] = {}
        self._waiting = iter(DEAD)

    async def call(self, _method: str, **_words: Any) -> Any:
        """Answer as the broker does to a passive declaration."""
        return SimpleNamespace(method=SimpleNamespace(message_count=len(DEAD)))

    async def get(self, _queue: str) -> Any:
        """Hand out the next one."""
        job = next(self._waiting)
        return SimpleNamespace(delivery_tag=job), SimpleNamespace(message_id=job), b""

    def acknowledge(self, delivery: str) -> None:
        """Note that it left the queue."""
        self.ends[delivery] = "gone"

    def give_back(self, delivery: str) -> None:
        """Note that it stays."""
        self.ends[delivery] = "there"


def test_a_job_is_discarded_and_no_other() -> None:
    """Broken: with one job others are lost, or the wrong one."""
    broker = Broker()
    asyncio.run(queues.discard(cast("Link", broker), "welcome_email", "second"))
    assert broker.ends == {"first": "there", "second": "gone"}  # nobody touched the third


@pytest.mark.parametrize(
    ("kind", "job"), [("welcome_email", "fourth"), ("welcome_email", None), (None, None)]
)
def test_a_job_that_is_not_there_is_named(kind: str | None, job: str | None) -> None:
    """Broken: a mistyped id looks like a job that was removed, or an empty one removes them all."""
    broker = Broker()
    with pytest.raises(queues.NotSo):
        asyncio.run(queues.discard(cast("Link", broker), kind, job))
    assert "gone" not in broker.ends.values()
