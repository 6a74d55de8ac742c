"""A circuit breaker: a part that failed is left alone for a moment, then one request tries it.

closed ──failed──▶ open for `pause_s` ──▶ half-open: one probe ──succeeded──▶ closed
                        ▲────────────────────failed─────────┘
(Nygard, "Release It!", stability patterns.)
"""

import time


class Circuit:
    """State of one part, as this process knows it."""

    def __init__(self, pause_s: float) -> None:
        self._pause_s = pause_s
        self._closed = True
        self._open_until = 0.0

    def admits(self) -> bool:
        """Whether to ask now. While it is open: once every `pause_s`, by the first who comes."""
        if self._closed:
            return True
        now = time.monotonic()
        if now < self._open_until:
            return False
        self._open_until = now + self._pause_s  # the others wait for what this probe finds
        return True

    def failed(self) -> bool:
        """Open it. True when it was closed until now."""
        was_closed, self._closed = self._closed, False
        self._open_until = time.monotonic() + self._pause_s
        return was_closed

    def succeeded(self) -> bool:
        """Close it. True when it was open until now."""
        was_closed, self._closed = self._closed, True
        return not was_closed
