"""A circuit breaker: a part that failed is left alone for a moment, then one request tries it.

closed ──failed──▶ open for a pause ──▶ half-open: one probe ──succeeded──▶ closed
                        ▲───failed: twice the pause, up to `pause_s`───┘
(Nygard, "Release It!", stability patterns.) Most failures are a moment of a busy machine, and over
before the first pause is; what has just been closed and fails again goes on with longer ones.
"""

import time

_FIRST_SHARE = 1 / 16  # of the longest pause


class Circuit:
    """State of one part, as this process knows it."""

    def __init__(self, pause_s: float) -> None:
        self._longest_s = pause_s
        self._pause_s = pause_s * _FIRST_SHARE
        self._closed = True
        self._closed_at = 0.0
        self._open_until = 0.0

    def admits(self) -> bool:
        """Whether to ask now. While it is open: after each pause, by the first who comes."""
        if self._closed:
            return True
        now = time.monotonic()
        if now < self._open_until:
            return False
        self._pause_s = min(2 * self._pause_s, self._longest_s)
        self._open_until = now + self._longest_s  # the others wait for what this probe finds
        return True

    def failed(self) -> bool:
        """Open it. True when it was closed until now."""
        now = time.monotonic()
        was_closed, self._closed = self._closed, False
        if was_closed and now - self._closed_at > self._longest_s:
            self._pause_s = self._longest_s * _FIRST_SHARE
        self._open_until = now + self._pause_s
        return was_closed

    def succeeded(self) -> bool:
        """Close it. True when it was open until now."""
        was_closed, self._closed = self._closed, True
        if not was_closed:
            self._closed_at = time.monotonic()
        return not was_closed
