"""Count what Nginx tells of each request, and what `stub_status` cannot: `python -m nginx.counts`.

In: one datagram a request (snippets/counts.conf), from every Nginx box of this network. Out:
metrics on port 9000. Datagrams are sent to a group address (multicast): whether somebody listens
there is nobody's concern, so Nginx starts without this process and never waits for it. What came
faster than it was counted was dropped by the kernel, and is counted by it.

Labels are few, whatever arrives: names of boxes and states of the cache are those known here, a box
that is silent is not shown, and an upstream server is forgotten after some minutes without a try.
"""

import ipaddress
import os
import re
import signal
import socket
import threading
import time
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from math import inf
from pathlib import Path

from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

METRICS_PORT = 9000
FIELDS = 11  # of a line, as in snippets/counts.conf

PROXIES = {"edge", "edge-2", "lb"}
CACHE = {"HIT", "MISS", "STALE", "UPDATING", "EXPIRED", "REVALIDATED", "BYPASS"}
BOUNDS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)

SEPARATORS = re.compile(r", | : ")  # between tries, and between rounds of tries

SILENT_AFTER_S = 60  # who says nothing for so long is not shown: the edge of a stage before
FORGET_AFTER_S = 300
SERVERS_MAX = 64  # a scaled and redeployed stack has a dozen in five minutes
RECEIVE_BUFFER_BYTES = 1 << 20  # some thousand lines; the kernel may allow less


@dataclass(slots=True)
class Server:
    """What one box sent to one upstream server."""

    seen: float = 0.0
    seconds: float = 0.0
    sent: int = 0
    received: int = 0
    tries: Counter[str] = field(default_factory=Counter)


@dataclass(slots=True)
class Proxy:
    """What one box did. Keys are (state of the cache, class of the status)."""

    seen: float = 0.0
    requests: Counter[tuple[str, str]] = field(default_factory=Counter)
    sent: Counter[str] = field(default_factory=Counter)
    limited: int = 0
    unserved: int = 0
    seconds: float = 0.0
    buckets: list[int] = field(default_factory=lambda: [0] * (len(BOUNDS_S) + 1))
    servers: dict[str, Server] = field(default_factory=dict)


class Counts(Collector):
    """All boxes' counts. `take` and `collect` may run in different threads."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._proxies: dict[str, Proxy] = {}
        self._lines = Counter(counted=0, unreadable=0)

    def take(self, datagram: bytes) -> None:
        """Count one line; one that cannot be read is counted as that."""
        with self._lock:
            try:
                self._count(datagram)
            except ValueError:
                self._lines["unreadable"] += 1
            else:
                self._lines["counted"] += 1

    def _count(self, datagram: bytes) -> None:
        words = datagram.decode("ascii").partition(": ")[2].split("\t")
        if len(words) != FIELDS or words[0] not in PROXIES:
            raise ValueError(words)
        name, status, cache, sent, seconds = words[:5]
        if not re.fullmatch("[1-5][0-9][0-9]", status):
            raise ValueError(status)
        bytes_sent, took = int(sent), float(seconds)
        tries = _tries(*words[5:])

        proxy = self._proxies.setdefault(name, Proxy())
        proxy.seen = self._clock()
        cache = cache if cache in CACHE else "NONE"
        proxy.requests[cache, _class_of(status)] += 1
        proxy.sent[cache] += bytes_sent
        proxy.limited += status == "429"
        proxy.seconds += took
        proxy.buckets[bisect_left(BOUNDS_S, took)] += 1
        for address, outcome, waited, went, came in tries:
            if ":" not in address:  # only the upstream's name: no server of it could be asked
                proxy.unserved += 1
                continue
            server = self._server(proxy, address)
            server.tries[outcome] += 1
            server.seconds += waited
            server.sent += went
            server.received += came

    def _server(self, proxy: Proxy, address: str) -> Server:
        if address not in proxy.servers and len(proxy.servers) >= SERVERS_MAX:
            address = "other"
        server = proxy.servers.setdefault(address, Server())
        server.seen = self._clock()
        return server

    def collect(self) -> Iterator[Metric]:
        """What was counted until now, of all boxes that have told something."""
        with self._lock:
            yield from self._collected()

    def _collected(self) -> list[Metric]:
        requests = CounterMetricFamily(
            "sluice_proxy_requests",
            "Requests answered. cache: Nginx's word, NONE where nothing is stored.",
            labels=["proxy", "cache", "status"],
        )
        sent = CounterMetricFamily(
            "sluice_proxy_sent_bytes", "Bytes to visitors.", labels=["proxy", "cache"]
        )
        limited = CounterMetricFamily(
            "sluice_proxy_limited", "Requests refused with 429.", labels=["proxy"]
        )
        unserved = CounterMetricFamily(
            "sluice_proxy_unserved", "Tries with no upstream server to ask.", labels=["proxy"]
        )
        durations = HistogramMetricFamily(
            "sluice_proxy_request_duration_seconds",
            "From the first byte of a request to the last byte of its answer.",
            labels=["proxy"],
        )
        lines = CounterMetricFamily(
            "sluice_proxy_lines",
            "Lines from Nginx. outcome: counted, unreadable.",
            labels=["outcome"],
        )
        dropped = CounterMetricFamily(
            "sluice_proxy_lines_dropped", "Lines that came faster than they were counted."
        )
        for outcome, count in self._lines.items():
            lines.add_metric([outcome], count)
        dropped.add_metric([], _dropped())
        for name, proxy in self._heard_of():
            for (cache, status), count in proxy.requests.items():
                requests.add_metric([name, cache, status], count)
            for cache, count in proxy.sent.items():
                sent.add_metric([name, cache], count)
            limited.add_metric([name], proxy.limited)
            unserved.add_metric([name], proxy.unserved)
            durations.add_metric([name], _cumulated(proxy.buckets), proxy.seconds)
        return [requests, sent, limited, unserved, durations, lines, dropped, *self._upstreams()]

    def _heard_of(self) -> list[tuple[str, Proxy]]:
        since = self._clock() - SILENT_AFTER_S
        return [(name, proxy) for name, proxy in self._proxies.items() if proxy.seen >= since]

    def _upstreams(self) -> list[Metric]:
        tries = CounterMetricFamily(
            "sluice_proxy_upstream_requests",
            "Tries. status: the answer's class, or failed: not reached, no answer, too late.",
            labels=["proxy", "upstream", "status"],
        )
        seconds, sent, received = (
            CounterMetricFamily(
                f"sluice_proxy_upstream_{what}", about, labels=["proxy", "upstream"]
            )
            for what, about in {
                "seconds": "Time of tries, from the connection to the last byte.",
                "sent_bytes": "Bytes to upstream servers.",
                "received_bytes": "Bytes from upstream servers.",
            }.items()
        )
        forgotten = self._clock() - FORGET_AFTER_S
        for name, proxy in self._heard_of():
            proxy.servers = {
                address: server
                for address, server in proxy.servers.items()
                if server.seen >= forgotten
            }
            for address, server in proxy.servers.items():
                for outcome, count in server.tries.items():
                    tries.add_metric([name, address, outcome], count)
                seconds.add_metric([name, address], server.seconds)
                sent.add_metric([name, address], server.sent)
                received.add_metric([name, address], server.received)
        return [tries, seconds, sent, received]


def _class_of(status: str) -> str:
    return f"{status[0]}xx"


def _tries(*columns: str) -> list[tuple[str, str, float, int, int]]:
    """The tries of one request: address, outcome, seconds, bytes sent and received.

    Nginx writes a list a variable, `a, b : c`, and `-` for what a try has not.
    """
    if columns[0] == "-":
        return []
    rows = list(zip(*map(SEPARATORS.split, columns), strict=True))
    return [
        (
            address,
            # Without a header there was no answer: the status is Nginx's own word for that.
            "failed" if header == "-" else _class_of(status),
            0.0 if seconds == "-" else float(seconds),
            0 if sent == "-" else int(sent),
            0 if received == "-" else int(received),
        )
        for address, status, header, seconds, sent, received in rows
    ]


def _cumulated(counts: list[int]) -> list[tuple[str, float]]:
    so_far, buckets = 0, []
    for bound, count in zip((*BOUNDS_S, inf), counts, strict=True):
        so_far += count
        buckets.append(("+Inf" if bound == inf else str(float(bound)), float(so_far)))
    return buckets


def _dropped() -> int:
    """The last column of the kernel's table of UDP sockets (proc(5)): this box has one."""
    try:
        rows = Path("/proc/net/udp").read_text(encoding="ascii").splitlines()[1:]
    except FileNotFoundError:
        return 0  # not on Linux
    port = f":{_address()[1]:04X} "
    return sum(int(row.split()[-1]) for row in rows if port in row)


def _address() -> tuple[str, int]:
    host, _, port = (os.environ.get("COUNTS_SERVER") or "239.255.14.1:5140").partition(":")
    return host, int(port)


def listen(host: str, port: int) -> socket.socket:
    """A socket that gets what is sent to this address: one of this box, or a group's."""
    receiver = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    receiver.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER_BYTES)
    if ipaddress.ip_address(host).is_multicast:
        group = socket.inet_aton(host) + bytes(4)  # on the network of its route
        receiver.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, group)
    receiver.bind(("", port))
    return receiver


def main() -> None:
    """Listen and count until told to end."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    counts, registry = Counts(), CollectorRegistry()
    registry.register(counts)
    start_http_server(METRICS_PORT, registry=registry)
    receiver = listen(*_address())
    try:
        while True:
            counts.take(receiver.recv(4096))
    except KeyboardInterrupt:
        receiver.close()


if __name__ == "__main__":
    main()
