"""How much dearer the same work is when it is done now and then: `python3 -m loadtest.bench.cold`.

A server that is asked eighty times a second sleeps between two requests, and others use the
processor's caches meanwhile. So a request's CPU time there is not that of `make bench`, where one
comes after the other. This measures by how much, on the machine as it is at this moment: what a
request does in Python (JSON, headers, strings), after a pause of so many milliseconds.

Counted is the work's own CPU time, median and mean, and the mean with falling asleep and waking.
"""

from __future__ import annotations

import json
import re
import statistics
import time

# Milliseconds between two pieces of work, and how many pieces.
PAUSES = {0: 3000, 2: 500, 8: 400, 20: 200, 100: 50}

_ROW = {"id": 42, "name": "Somebody", "created_at": "2026-01-01T00:00:00Z", "post_count": 17}
_HEADERS = ((b"Host", b"localhost"), (b"X-Request-Id", b"0" * 32), (b"Accept", b"*/*"))
_SANE = re.compile(rb"[A-Za-z0-9._:*/-]{1,128}")
_TIMES = 4


def work() -> int:
    """Do about what a request does."""
    told = 0
    for _ in range(_TIMES):
        row = json.loads(json.dumps(_ROW).encode())
        headers = {
            name.lower().decode(): value.decode()
            for name, value in _HEADERS
            if _SANE.fullmatch(value)
        }
        told += len(" ".join(f"{name}={value}" for name, value in {**row, **headers}.items()))
    return told


def measure(pause_s: float, pieces: int) -> tuple[float, float, float]:
    """Microseconds of CPU a piece: median and mean of the work, mean with the waking for it."""
    spent_us = []
    began = time.process_time()
    for _ in range(pieces):
        if pause_s:
            time.sleep(pause_s)
        since = time.thread_time_ns()
        work()
        spent_us.append((time.thread_time_ns() - since) / 1000)
    whole_us = (time.process_time() - began) * 1e6 / pieces
    return statistics.median(spent_us), statistics.fmean(spent_us), whole_us


def main() -> None:
    """Print a line for each pause."""
    print("pause, ms   work, µs: median   mean   with waking   × in a row")
    in_a_row = measure(0, PAUSES[0])[2]
    for pause_ms, pieces in PAUSES.items():
        median, mean, whole = measure(pause_ms / 1000, pieces)
        times = whole / in_a_row
        print(f"{pause_ms:9}   {median:16.0f} {mean:6.0f} {whole:13.0f} {times:12.1f}")


if __name__ == "__main__":
    main()
