"""Promises of `worker/computing.py`: what computes does not stop what waits."""

import asyncio
import os
import signal
import threading
from collections.abc import Iterator

import pytest

from jobs import JobFailed
from worker.computing import Processes


@pytest.fixture
def processes() -> Iterator[Processes]:
    """One process, half a second."""
    made = Processes(1, limit_s=20)
    yield made
    made.close()


def double(number: int) -> tuple[int, int]:
    """Compute something, and say where."""
    return os.getpid(), number * 2


def fail() -> None:
    """Be a handler's mistake."""
    raise ZeroDivisionError


def die() -> None:
    """Be killed, as for want of memory."""
    os.kill(os.getpid(), signal.SIGKILL)


def never_end() -> None:
    """Be an image that takes for ever."""
    threading.Event().wait()


def test_it_computes_somewhere_else(processes: Processes) -> None:
    """Broken: the event loop stands still, heartbeats are missed, the broker cuts the line."""
    where, result = asyncio.run(processes.run(double, 21))
    assert result == 42
    assert where != os.getpid()


def test_a_mistake_is_the_handlers(processes: Processes) -> None:
    """Broken: it looks as if the process had died."""
    with pytest.raises(ZeroDivisionError):
        asyncio.run(processes.run(fail))


def test_a_process_that_dies_fails_its_job_and_is_replaced(processes: Processes) -> None:
    """Broken: one image that is too large, and no image is ever processed again."""
    with pytest.raises(JobFailed, match="died"):
        asyncio.run(processes.run(die))
    assert asyncio.run(processes.run(double, 1))[1] == 2


def test_what_takes_too_long_is_ended(processes: Processes) -> None:
    """Broken: a job holds its process for ever, and all others of its kind wait."""
    processes._limit_s = 0.3  # noqa: SLF001
    with pytest.raises(JobFailed, match="longer than"):
        asyncio.run(processes.run(never_end))
    processes._limit_s = 20  # noqa: SLF001
    assert asyncio.run(processes.run(double, 1))[1] == 2
