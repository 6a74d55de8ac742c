"""A made-up ladder, small and plain: nobody measured it."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from loadtest.ladder.plan import FULL
from loadtest.ladder.report import FORMAT

GENERATOR = {"cpu_share": 0.2, "late_p95_ms": 3.0}
SERVICES = {
    1: ("web", "primary"),
    2: ("lb", "web", "primary"),
    3: ("lb", "web", "primary", "replica-1", "replica-2"),
    4: ("lb", "web", "redis", "primary", "replica-1", "replica-2"),
    5: ("edge", "lb", "web", "redis", "primary", "replica-1", "replica-2", "worker"),
}


def step(users: int, *, kind: str = "ramp", held: bool = True, **told: Any) -> dict[str, Any]:
    """A step of ten seconds in which everybody asked once a second."""
    return {
        "kind": kind,
        "users": users,
        "held": held,
        "began": 1000.0,
        "ended": 1010.0,
        "requests": users * 10,
        "failures": 0,
        "late_or_failed": 0 if held else users,
        "rps": float(users),
        "good_rps": float(users),
        "mean_ms": 60.0,
        "p50_ms": 50.0,
        "p95_ms": 100.0 if held else 900.0,
        "p99_ms": 200.0,
        "acts_per_s": users / 1.06,
        "act_s": 0.06,
        "pause_s": 1.0,
        "bytes": users * 10_000,
        "generator": GENERATOR,
        "routes": {},
        "errors": {},
        "cpu_ms": {"web": users * 30.0, "primary": users * 10.0, "prometheus": users * 1.0},
        "memory_mib": {"web": 100.0, "primary": 50.0, "prometheus": 90.0},
        "statements": {"primary": users * 15},
        "machine_busy": 0.5,
        "little": 0.0,
    } | told


def seen(**told: Any) -> dict[str, Any]:
    """What Prometheus has seen of a window."""
    return {
        "cache_reads": {},
        "cache_hit_ratio": None,
        "jobs": {"request": 10.0},
        "replication_lag_s": None,
        "outbox_oldest_s": None,
        "job_wait_p95_s": None,
    } | told


def run(stage: int, number: int = 1, *, knee: int = 100, **told: Any) -> dict[str, Any]:
    """One run whose knee is at so many users."""
    of_ramp = told.pop("of_ramp", {})
    of_step = told.pop("of_step", {})
    cpu = {"cpu_ms": dict.fromkeys(SERVICES[stage], knee * 10.0) | {"prometheus": knee * 1.0}}
    worst = step(1000, kind="many", held=False, failures=1000)
    return {
        "round": number,
        "stage": stage,
        "began": 990.0,
        "switch_s": 20.0,
        "took_s": 200.0,
        "golden": {"/api/posts": "200 a"},
        "static": {"asked": 16, "from_origin": 16, "wrong": 0},
        "steps": [
            step(50, kind="warm"),
            step(50, **of_step),
            step(knee, **(cpu | of_step)),
            step(knee * 2, held=False),
            worst,
        ],
        "ramp": {"cut_off": False, "took_s": 34.0, "held": knee, "failed": knee * 2}
        | seen()
        | of_ramp,
        "many": seen(delivered=None),
        "doctor": None,
    } | told


def report(*runs: dict[str, Any], **told: Any) -> dict[str, Any]:
    """A report of these runs, or of two rounds of all stages."""
    rounds = [run(n, r, knee=50 * 2**n + r) for r in (1, 2) for n in SERVICES]
    return {
        "format": FORMAT,
        "measured_at": "2000-01-01T00:00:00+00:00",
        "commit": "made-up",
        "machine": {"cpu": "made-up", "cores": 2, "memory_gib": 4.0, "kernel": "0"},
        "load_before": [0.1, 0.1, 0.1],
        "plan": asdict(FULL),
        "images": {"primary": "postgres:0"},
        "boxes": {"primary": "0.2 core, 384 MiB"},
        "data": {"members": 10, "posts": 100, "mib": 1},
        "partial": False,
        "took_s": 60,
        "runs": list(runs) or rounds,
    } | told
