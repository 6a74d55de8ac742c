"""Bounded waiting: the only place of the tests that lets time pass."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


def eventually[Result](
    check: Callable[[], Result], *, within_s: float, every_s: float = 0.25
) -> Result:
    """Call `check` until it returns without an AssertionError, and return its result.

    Raises the last AssertionError once `within_s` seconds are over.
    """
    deadline = time.monotonic() + within_s
    pause = threading.Event()
    while True:
        try:
            return check()
        except AssertionError:
            if time.monotonic() >= deadline:
                raise
        pause.wait(every_s)
