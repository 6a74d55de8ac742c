"""Promises of `logs/counts.py`: what rsyslog counts is what Prometheus sees."""

import json
from typing import Any

from prometheus_client import CollectorRegistry

from logs.counts import Figures


def queue(name: str, **counted: int) -> dict[str, Any]:
    """What impstats says of a queue."""
    return {"name": name, "origin": "core.queue", "size": 0, "discarded.full": 0,
            "discarded.nf": 0, **counted}  # fmt: skip


SAID: list[dict[str, Any]] = [
    {"name": "taken", "origin": "dynstats.bucket", "values": {"web": 7, "edge": 5}},
    {"name": "store(ALL)", "origin": "omhttp", "messages.success": 8},
    {"name": "figures(ALL)", "origin": "omhttp", "messages.success": 99},
    {"name": "omelasticsearch", "origin": "omelasticsearch", "submitted": 11},
    queue("store queue", size=3, **{"discarded.full": 2}),
    queue("store queue[DA]", size=40, **{"discarded.full": 1, "discarded.nf": 1}),
    queue("elk queue", size=1),
    queue("lines", size=9),
    {"name": "resource-usage", "origin": "impstats", "maxrss": 7000},
]


def shown(*said: dict[str, Any]) -> CollectorRegistry:
    """A registry that was told so much."""
    figures, registry = Figures(), CollectorRegistry()
    registry.register(figures)
    figures.take(b"\n".join(json.dumps(one).encode() for one in said) + b"\nnot json\n[]\n7\n")
    return registry


def test_lines_are_counted_by_output_in_memory_and_on_disk_together() -> None:
    """Broken: lines are dropped on the disk's queue, and the alert looks at the other."""
    value = shown(*SAID).get_sample_value
    assert value("sluice_log_lines_taken_total", {"service": "web"}) == 7
    assert value("sluice_log_lines_sent_total", {"output": "store"}) == 8
    assert value("sluice_log_lines_sent_total", {"output": "elk"}) == 11
    assert value("sluice_log_lines_sent_total", {"output": "figures"}) is None
    assert value("sluice_log_lines_dropped_total", {"output": "store"}) == 4
    assert value("sluice_log_lines_dropped_total", {"output": "elk"}) == 0
    assert value("sluice_log_lines_waiting", {"output": "store"}) == 43
    assert value("sluice_log_lines_waiting", {"output": "lines"}) is None


def test_the_newest_figure_counts() -> None:
    """Broken: figures add up over reports, though each counts from the start."""
    value = shown(*SAID, queue("store queue", size=1)).get_sample_value
    assert value("sluice_log_lines_waiting", {"output": "store"}) == 41
    assert value("sluice_log_lines_dropped_total", {"output": "store"}) == 2
