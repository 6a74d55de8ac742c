"""What every bench needs around it: one at a time, and one line when it ends early."""

from __future__ import annotations

import contextlib
import fcntl
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import NoReturn

from loadtest.bench.commands import ROOT, Stop


@contextlib.contextmanager
def only_one_at_a_time() -> Iterator[None]:
    """Two runs would measure each other, and the first to end would remove the other's stack."""
    with (ROOT / ".bench.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Stop("another bench is at work in this folder: let it end first") from None
        yield


def interruptible(name: str, main: Callable[[], int]) -> NoReturn:
    """Run `main` as a program, whose end, however it comes, cleans up and says why."""
    signal.signal(signal.SIGTERM, _interrupted)
    try:
        sys.exit(main())
    except Stop as problem:
        sys.exit(f"{name}: {problem}")
    except subprocess.CalledProcessError as problem:
        sys.exit(problem.returncode)
    except KeyboardInterrupt:
        sys.exit(f"{name}: interrupted")


def _interrupted(*_: object) -> NoReturn:
    raise KeyboardInterrupt
