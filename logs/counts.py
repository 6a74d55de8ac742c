"""The log collector's figures for Prometheus: how many lines were taken, sent, dropped, and wait.

In: what rsyslog's impstats says every few seconds, POSTed as one JSON object a line. Out: /metrics.
The figures count from the collector's start, so one that restarts is a counter that restarts. The
names are rsyslog's own: for an output `store` there are the queue `store queue`, its part on disk
`store queue[DA]`, and the module's counters.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

PORT = 9000
_BODY_MAX_BYTES = 1_000_000
_QUEUE = " queue"
_DROPPED = ("discarded.full", "discarded.nf")
# Who counts what an output took: the module's origin → the output, and the field.
_SENT = {"omhttp": "messages.success", "omelasticsearch": "submitted"}


class Figures(Collector):
    """The newest figures, by name and origin."""

    def __init__(self) -> None:
        self._newest: dict[tuple[str, str], dict[str, Any]] = {}
        self._reported_at = 0.0

    def take(self, body: bytes) -> None:
        """Take what the collector says; a line that is no figure is left aside."""
        for line in body.splitlines():
            try:
                figure = json.loads(line)
                self._newest[figure["name"], figure.get("origin", "")] = figure
            except ValueError, TypeError, KeyError:
                continue
        self._reported_at = time.time()

    def collect(self) -> Iterator[Metric]:
        """All of them, as Prometheus wants them."""
        taken = CounterMetricFamily("sluice_log_lines_taken", "Lines read.", labels=["service"])
        sent = CounterMetricFamily("sluice_log_lines_sent", "Lines taken over.", labels=["output"])
        dropped = CounterMetricFamily(
            "sluice_log_lines_dropped", "Lines lost because a queue was full.", labels=["output"]
        )
        waiting = GaugeMetricFamily(
            "sluice_log_lines_waiting", "Lines in a queue, in memory or on disk.", labels=["output"]
        )
        reported = GaugeMetricFamily(
            "sluice_log_reported_timestamp_seconds",
            "When the collector last spoke.",
            self._reported_at,
        )
        lost: dict[str, float] = {}
        waits: dict[str, float] = {}
        took: dict[str, float] = {}
        for (name, origin), figure in list(self._newest.items()):
            output = name.removesuffix("[DA]").removesuffix(_QUEUE)
            if origin == "dynstats.bucket" and name == "taken":
                for service, lines in sorted(figure["values"].items()):
                    taken.add_metric([service], lines)
            elif origin == "core.queue" and _QUEUE in name:
                lost[output] = lost.get(output, 0) + sum(figure[field] for field in _DROPPED)
                waits[output] = waits.get(output, 0) + figure["size"]
            elif origin in _SENT:
                took[_output(name, origin)] = figure[_SENT[origin]]
        for output, lines in lost.items():  # an output is what has a queue
            dropped.add_metric([output], lines)
            waiting.add_metric([output], waits[output])
            sent.add_metric([output], took.get(output, 0))
        yield from (taken, sent, dropped, waiting, reported)


def _output(name: str, origin: str) -> str:
    """The output that a module counts for."""
    # omelasticsearch counts for all of its outputs together, and there is one.
    return "elk" if origin == "omelasticsearch" else name.removesuffix("(ALL)")


class Answering(BaseHTTPRequestHandler):
    """One request of the collector, of Prometheus or of the health check."""

    figures: Figures
    registry: CollectorRegistry
    timeout = 5

    def do_POST(self) -> None:
        """Take figures."""
        length = int(self.headers.get("content-length", "0"))
        if length > _BODY_MAX_BYTES:
            self._answer(413, b"")
            return
        self.figures.take(self.rfile.read(length))
        self._answer(200, b"")

    def do_GET(self) -> None:
        """Show them."""
        if self.path == "/metrics":
            self._answer(200, generate_latest(self.registry))
        else:
            self._answer(200 if self.path == "/healthz" else 404, b"")

    def log_message(self, *_: object) -> None:
        """Say nothing: these lines would be collected, counted and reported again."""

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("content-type", "text/plain; version=0.0.4; charset=utf-8")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def main() -> None:
    """Serve until the process is ended."""
    Answering.figures = Figures()
    Answering.registry = CollectorRegistry()
    Answering.registry.register(Answering.figures)
    ThreadingHTTPServer(("", PORT), Answering).serve_forever()


if __name__ == "__main__":
    main()
