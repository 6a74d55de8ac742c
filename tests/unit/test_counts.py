"""Promises of `nginx/counts.py`: what Nginx tells is what Prometheus is shown."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest
from prometheus_client import CollectorRegistry

from nginx import counts
from nginx.counts import Counts

if TYPE_CHECKING:
    from collections.abc import Mapping

HEADER = b"<190>Nov 26 09:19:02 counts: "
ONE_TRY = ("10.0.0.5:8000", "200", "0.020", "0.021", "300", "4000")
NO_TRY = ("-",) * 6


class Clock:
    """Minutes pass when a test says so."""

    now = 0.0

    def __call__(self) -> float:
        """The time."""
        return self.now


def line(
    *tries: str, proxy: str = "edge", status: str = "200", cache: str = "MISS", sent: int = 100
) -> bytes:
    """A datagram as Nginx 1.30 sends it."""
    return HEADER + "\t".join((proxy, status, cache, str(sent), "0.022", *tries)).encode()


class Shown:
    """Counts, and what Prometheus would read of them."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.counts = Counts(self.clock)
        self._registry = CollectorRegistry()
        self._registry.register(self.counts)

    def __call__(self, name: str, **labels: str) -> float | None:
        """The value of one series; nothing if there is no such."""
        return self._registry.get_sample_value(f"sluice_proxy_{name}", labels)

    def upstreams(self) -> Mapping[str, float]:
        """Tries by address."""
        return {
            sample.labels["upstream"]: sample.value
            for metric in self._registry.collect()
            if metric.name == "sluice_proxy_upstream_requests"
            for sample in metric.samples
        }


@pytest.fixture
def shown() -> Shown:
    """Nothing was counted yet."""
    return Shown()


def test_a_request_is_counted_by_box_cache_and_class(shown: Shown) -> None:
    """Broken: the hit ratio of the edge is somebody else's, or bytes are lost."""
    for _ in range(3):
        shown.counts.take(line(*NO_TRY, cache="HIT", sent=500))
    shown.counts.take(line(*ONE_TRY, cache="MISS", sent=700))
    shown.counts.take(line(*ONE_TRY, proxy="lb", cache="-", status="503"))
    assert shown("requests_total", proxy="edge", cache="HIT", status="2xx") == 3
    assert shown("requests_total", proxy="edge", cache="MISS", status="2xx") == 1
    assert shown("requests_total", proxy="lb", cache="NONE", status="5xx") == 1
    assert shown("sent_bytes_total", proxy="edge", cache="HIT") == 1500
    assert shown("sent_bytes_total", proxy="edge", cache="MISS") == 700
    assert shown("lines_total", outcome="counted") == 5


def test_who_asks_too_often_is_counted(shown: Shown) -> None:
    """Broken: nobody sees that visitors are refused."""
    shown.counts.take(line(*NO_TRY, status="429", cache="-"))
    assert shown("limited_total", proxy="edge") == 1
    assert shown("requests_total", proxy="edge", cache="NONE", status="4xx") == 1


def test_each_server_that_was_tried_is_counted(shown: Shown) -> None:
    """Broken: a replica that fails looks as good as the one that was asked next."""
    two = (
        "10.0.0.5:8000, 10.0.0.6:8000",
        "502, 200",
        "-, 0.029",
        "0.250, 0.030",
        "0, 300",
        "0, 4000",
    )
    shown.counts.take(line(*two, proxy="lb"))
    shown.counts.take(line(*ONE_TRY, proxy="lb"))
    five, six = ({"proxy": "lb", "upstream": f"10.0.0.{n}:8000"} for n in (5, 6))
    assert shown("upstream_requests_total", status="failed", **five) == 1
    assert shown("upstream_requests_total", status="2xx", **five) == 1
    assert shown("upstream_requests_total", status="2xx", **six) == 1
    assert shown("upstream_seconds_total", **five) == pytest.approx(0.271)
    assert shown("upstream_received_bytes_total", **six) == 4000
    assert shown("upstream_sent_bytes_total", **six) == 300


def test_an_answer_that_tells_of_a_failure_is_an_answer(shown: Shown) -> None:
    """Broken: the edge blames the balancer, which only passed on that no replica answered."""
    shown.counts.take(line("10.0.0.2:8090", "502", "0.251", "0.251", "300", "400", status="502"))
    shown.counts.take(
        line("10.0.0.5:8000", "504", "-", "0.251", "0", "0", proxy="lb", status="502")
    )
    edge = {"proxy": "edge", "upstream": "10.0.0.2:8090"}
    lb = {"proxy": "lb", "upstream": "10.0.0.5:8000"}
    assert shown("upstream_requests_total", status="5xx", **edge) == 1
    assert shown("upstream_requests_total", status="failed", **lb) == 1


def test_a_second_round_of_tries_is_read_as_well(shown: Shown) -> None:
    """Broken: when it matters, while servers come and go, lines are unreadable."""
    rounds = (
        "10.0.0.5:8000, least_conn : 10.0.0.6:8000",
        "502, 502 : 200", "-, - : 0.029", "0.001, 0.000 : 0.030", "0, 0 : 300", "0, 0 : 4000",
    )  # fmt: skip
    shown.counts.take(line(*rounds, proxy="lb"))
    assert shown("lines_total", outcome="unreadable") == 0
    assert shown("unserved_total", proxy="lb") == 1
    assert shown.upstreams() == {"10.0.0.5:8000": 1, "10.0.0.6:8000": 1}


def test_buckets_hold_what_took_no_longer(shown: Shown) -> None:
    """Broken: percentiles of the edge are not those of its requests."""
    shown.counts.take(line(*NO_TRY))
    assert shown("request_duration_seconds_bucket", proxy="edge", le="0.01") == 0
    assert shown("request_duration_seconds_bucket", proxy="edge", le="0.025") == 1
    assert shown("request_duration_seconds_bucket", proxy="edge", le="+Inf") == 1
    assert shown("request_duration_seconds_sum", proxy="edge") == 0.022


@pytest.mark.parametrize(
    "datagram",
    [
        b"",
        b"\xff\xfe",
        HEADER,
        HEADER + b"edge\t200\tHIT",
        line(*NO_TRY, proxy="somebody"),
        line(*NO_TRY, status="abc"),
        line("10.0.0.5:8000, 10.0.0.6:8000", "200", "0.1", "0.1", "1", "1"),
        line("10.0.0.5:8000", "200", "0.1", "soon", "1", "1"),
    ],
)
def test_a_line_that_cannot_be_read_is_counted_as_that(shown: Shown, datagram: bytes) -> None:
    """Broken: a changed log format stops the exporter, or looks like no traffic at all."""
    shown.counts.take(datagram)
    assert shown("lines_total", outcome="unreadable") == 1
    assert shown("lines_total", outcome="counted") == 0
    assert shown.upstreams() == {}


def test_a_box_that_is_gone_is_not_shown(shown: Shown) -> None:
    """Broken: at stage 3 the edge of stage 5 still has zero requests, or after a quiet hour all."""
    shown.counts.take(line(*ONE_TRY))
    shown.clock.now = counts.SILENT_AFTER_S + 1
    assert shown("limited_total", proxy="edge") is None
    assert shown.upstreams() == {}
    shown.counts.take(line(*ONE_TRY))
    assert shown("requests_total", proxy="edge", cache="MISS", status="2xx") == 2


def test_a_server_that_is_gone_is_forgotten(shown: Shown) -> None:
    """Broken: each deploy leaves three addresses behind, for ever."""
    shown.counts.take(line(*ONE_TRY))
    shown.clock.now = counts.FORGET_AFTER_S
    shown.counts.take(line("10.0.0.9:8000", *ONE_TRY[1:]))
    assert set(shown.upstreams()) == {"10.0.0.5:8000", "10.0.0.9:8000"}
    shown.clock.now += 1
    assert set(shown.upstreams()) == {"10.0.0.9:8000"}


def test_there_are_never_more_servers_than_have_room(shown: Shown) -> None:
    """Broken: who sends lines with made-up addresses fills Prometheus' memory."""
    for n in range(10 * counts.SERVERS_MAX):
        shown.counts.take(line(f"10.0.{n // 256}.{n % 256}:8000", *ONE_TRY[1:]))
    upstreams = shown.upstreams()
    assert len(upstreams) == counts.SERVERS_MAX + 1
    assert sum(upstreams.values()) == 10 * counts.SERVERS_MAX


def test_a_datagram_arrives_at_who_listens() -> None:
    """Broken: nothing is counted at all."""
    with counts.listen("127.0.0.1", 0) as receiver, socket.socket(type=socket.SOCK_DGRAM) as nginx:
        receiver.settimeout(5)
        nginx.sendto(b"a line", ("127.0.0.1", receiver.getsockname()[1]))
        assert receiver.recv(100) == b"a line"
