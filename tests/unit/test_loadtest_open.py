"""Open arrival, by Locust itself against a real server."""

import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from random import Random
from threading import Event, Thread
from typing import Any

import gevent
import pytest

from loadtest.arrivals import Arrivals, moments

STALL_FROM_S, STALL_S = 2.0, 2.0


class Stalling(BaseHTTPRequestHandler):
    """Answers at once, but once, two seconds after its first request, stands still for two."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    began: float | None = None
    wait = Event().wait

    def do_GET(self) -> None:
        """Answer, after the stall if it is on."""
        if self.path == "/asked":
            Stalling.began = Stalling.began or time.monotonic()
            over = Stalling.began + STALL_FROM_S + STALL_S
            if over - STALL_S <= time.monotonic() < over:
                Stalling.wait(over - time.monotonic())
        self.send_response(200)
        self.send_header("content-length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_: object) -> None:
        """Be quiet."""


@pytest.fixture
def stalling() -> Iterator[str]:
    """The address of such a server."""
    Stalling.began = None
    server = ThreadingHTTPServer(("127.0.0.1", 0), Stalling)
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def load(
    host: str, *options: str, file: str = "loadtest/locustfile.py", **environment: str
) -> tuple[dict[str, Any], str, int]:
    """Run Locust; → what it counted, what it printed, and its exit code."""
    done = subprocess.run(
        [sys.executable, "-m", "locust", "-f", file, "--headless",
         "--only-summary", "--host", host, *options],
        env={**os.environ, "PYTHONPATH": ".", "SUMMARY": "json", **environment},
        capture_output=True, text=True, check=False, timeout=90,
    )  # fmt: skip
    lines = [line for line in done.stdout.splitlines() if line.startswith("SLUICE_SUMMARY ")]
    assert len(lines) == 1, done.stdout + done.stderr
    return json.loads(lines[0].removeprefix("SLUICE_SUMMARY ")), done.stdout, done.returncode


@pytest.mark.parametrize("pool", ["8", "400"])
def test_a_stall_is_seen_by_all_who_should_have_come_during_it(stalling: str, pool: str) -> None:
    """Broken: a site that stands still for two seconds has a p99.9 of a millisecond, since nobody
    was sent to see it (coordinated omission).
    """
    told, printed, _ = load(
        stalling, "--users", pool, "--spawn-rate", "100", "--run-time", "6s",
        SHAPE="open", ROUTE="/asked", ARRIVALS="constant",
    )  # fmt: skip
    assert told["requests"] == told["arrivals"]["begun"] == 600, printed
    assert told["arrivals"]["unserved"] == told["failures"] == 0
    # A third of all arrivals was due while it stood still, and waited for what was left of it.
    assert told["p99_9_ms"] > 1000 * STALL_S * 0.95
    assert told["p95_ms"] > 1000 * STALL_S * 0.8
    # Those of whom nobody was free to take care are told besides.
    assert pool != "8" or told["arrivals"]["late"] > 150


def test_poisson_arrivals_have_their_rate_and_their_spread() -> None:
    """Broken: arrivals come in step, and no queue ever forms."""
    at = list(moments(50, 400, Random(1)))
    assert len(at) == pytest.approx(20_000, rel=0.03)
    counts = Counter(int(moment) for moment in at)
    mean = sum(counts.values()) / 400
    variance = sum((counts[second] - mean) ** 2 for second in range(400)) / 400
    assert variance / mean == pytest.approx(1, abs=0.25)  # of a Poisson process it is 1
    assert at == list(moments(50, 400, Random(1)))


def test_who_is_not_due_yet_when_a_run_is_stopped_was_not_left_unserved() -> None:
    """Broken: every run that somebody ends early has as many failures as its pool is large."""
    arrivals = Arrivals(iter([0.0, 0.0, 0.001, 3600.0, 3601.0]))
    arrivals.begin()
    arrivals.wait()
    arrivals.end()
    arrivals.wait()  # and is never served
    sleeper = gevent.spawn(arrivals.wait)
    gevent.sleep(0.01)
    sleeper.kill()
    waiting = gevent.spawn(arrivals.wait)
    gevent.sleep(0.01)
    arrivals.close()
    waiting.kill()
    assert arrivals.told()["begun"] == 3
    assert arrivals.told()["unserved"] == 2
    assert not arrivals.finished()


def test_even_arrivals_of_two_workers_take_turns() -> None:
    """Broken: two workers send pairs."""
    both = sorted([*moments(5, 2, None), *moments(5, 2, None, ahead=0.1)])
    assert both == pytest.approx([n / 10 for n in range(20)])


BUSY = """
import time

import gevent
from locust import events

from loadtest.locustfile import Person


def burn():
    while True:
        until = time.perf_counter() + 0.2
        while time.perf_counter() < until:
            pass
        gevent.sleep(0.001)


@events.test_start.add_listener
def begin(**_):
    gevent.spawn(burn)
"""


def test_a_generator_that_is_the_bottleneck_says_so(stalling: str, tmp_path: Path) -> None:
    """Broken: the generator has no time for its requests, and the numbers look like the site's."""
    busy = tmp_path / "busy.py"
    busy.write_text(BUSY)
    told, printed, code = load(
        stalling, "--users", "5", "--spawn-rate", "5", "--run-time", "5s", ROUTE="/", file=str(busy)
    )
    assert "UNUSABLE: the generator" in printed
    assert told["usable"] is False
    assert "the generator" in told["reason"]
    assert code == 3


@pytest.mark.parametrize(
    ("variable", "value"), [("SHAPE", "wave"), ("FACTOR", "much"), ("ARRIVALS", "late")]
)
def test_a_wrong_variable_is_named_in_one_line(variable: str, value: str) -> None:
    """Broken: a traceback, or another run than the one asked for."""
    done = subprocess.run(
        [sys.executable, "-m", "locust", "-f", "loadtest/locustfile.py", "--headless"],
        env={**os.environ, variable: value},
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode != 0
    assert f"{variable}={value}" in done.stderr
    assert "Traceback" not in done.stderr
