"""What a ladder's runs say of each stage: medians over the rounds, with their spread.

Pure arithmetic on the report's `runs`: a report is rendered again without measuring again.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from loadtest.ladder.plan import STAGES

Run = dict[str, Any]
Step = dict[str, Any]
Spread = dict[str, float]

# In the order of a request; everything else only watches.
PATH = (
    "edge", "lb", "web", "redis", "primary", "replica-1", "replica-2", "relay", "rabbitmq",
    "worker", "mail",
)  # fmt: skip
WATCHING = "watching"
# A generator that is busier, or later, is itself part of what it measures.
GENERATOR_BUSY, GENERATOR_LATE_MS = 0.9, 50.0
MACHINE_FULL = 0.95
LITTLE_OFF = 0.05

# The mean range of so many normal values, in standard deviations (d2 of W. Shewhart's charts).
RANGE = {2: 1.128, 3: 1.693, 4: 2.059, 5: 2.326}
# As on these charts: by chance alone a figure is further off three times in a thousand, and some
# fifty of them are compared.
DEVIATIONS = 3.0


def spread(values: Iterable[float | None]) -> Spread | None:
    """Median, least and most; None where nothing was measured."""
    known = [value for value in values if value is not None]
    if not known:
        return None
    return {
        "median": round(statistics.median(known), 4),
        "least": round(min(known), 4),
        "most": round(max(known), 4),
    }


def chance(told: Iterable[Spread | None], rounds: int) -> float | None:
    """By how many times two medians of so many rounds may differ, without a reason.

    The figure's deviation is pooled over all that is given, as a ratio: what is large varies by
    more. None where there is one round, or nothing that could vary.
    """
    ranges = [math.log(one["most"] / one["least"]) for one in told if one and one["least"] > 0]
    if rounds == 1 or not ranges:
        return None
    deviation = statistics.fmean(ranges) / RANGE[min(rounds, max(RANGE))]
    return math.exp(DEVIATIONS * deviation * math.sqrt(2 / rounds))


def ramp(run: Run) -> list[Step]:
    """The steps of a run's search."""
    return [step for step in run["steps"] if step["kind"] == "ramp"]


def knee(run: Run) -> Step | None:
    """The step with the most users that were served well; None when there was none."""
    held = [step for step in ramp(run) if step["held"] and step["users"] == run["ramp"]["held"]]
    return held[-1] if held else None


def many(run: Run) -> Step:
    """The step with the seed's 1,000 users."""
    return next(step for step in run["steps"] if step["kind"] == "many")


def distrust(step: Step) -> list[str]:
    """Why this step may say more of the generator or the machine than of the stage."""
    told = step["generator"]
    reasons = []
    if told["cpu_share"] >= GENERATOR_BUSY:
        reasons.append(f"the generator used {told['cpu_share']:.0%} of its core")
    if (told["late_p95_ms"] or 0) >= GENERATOR_LATE_MS:
        reasons.append(f"the generator itself was {told['late_p95_ms']:.0f} ms late")
    if (step["machine_busy"] or 0) >= MACHINE_FULL:
        reasons.append(f"the machine's cores were {step['machine_busy']:.0%} busy")
    return reasons


def limits(run: Run) -> list[str]:
    """Why the knee of a run may be higher than what was found."""
    above = [step for step in ramp(run) if step["users"] == run["ramp"].get("failed")]
    reasons = [reason for step in above[-1:] for reason in distrust(step)]
    if run["ramp"].get("cut_off"):
        reasons.append("the time for the ramp was over")
    elif run["ramp"].get("failed") is None:
        reasons.append("the most users of the plan were held")
    return reasons


def cpu_per_request(step: Step) -> dict[str, float]:
    """Milliseconds of CPU time a request, by service; what only watches is one of them."""
    if not step["requests"]:
        return {}
    told: dict[str, float] = {name: 0.0 for name in PATH if name in step["cpu_ms"]}
    for name, spent_ms in step["cpu_ms"].items():
        group = name if name in PATH else WATCHING
        told[group] = told.get(group, 0.0) + spent_ms / step["requests"]
    return {name: round(value, 4) for name, value in told.items()}


def statements_per_request(step: Step | None) -> float | None:
    """Statements that all databases executed, by the crowd's requests; None where unknown."""
    if step is None or not step["requests"] or step["statements"] is None:
        return None
    return round(float(sum(step["statements"].values()) / step["requests"]), 4)


def stages(runs: Sequence[Run]) -> list[dict[str, Any]]:
    """Everything about each stage that was measured."""
    by_stage = {number: [run for run in runs if run["stage"] == number] for number in STAGES}
    return [_stage(number, some) for number, some in by_stage.items() if some]


def _stage(number: int, runs: list[Run]) -> dict[str, Any]:
    knees = [found for run in runs if (found := knee(run))]
    crowds = [many(run) for run in runs]
    return {
        "stage": number,
        "rounds": len(runs),
        "knee": {
            "users": spread(run["ramp"]["held"] for run in runs),
            **{name: _each(knees, name) for name in ("rps", "p50_ms", "p95_ms", "p99_ms")},
            "limited_by": sorted({reason for run in runs for reason in limits(run)}),
        },
        "many": {
            **{
                name: _each(crowds, name)
                for name in ("rps", "good_rps", "p50_ms", "p95_ms", "p99_ms")
            },
            "users": crowds[0]["users"],
            "error_ratio": spread(_ratio(step["failures"], step["requests"]) for step in crowds),
            "held": all(step["held"] for step in crowds),
            "distrust": sorted({reason for step in crowds for reason in distrust(step)}),
        },
        "cpu_ms_per_request": _by_name(knees, cpu_per_request),
        "statements_per_request": spread(map(statements_per_request, knees)),
        "cache_hit_ratio": spread(run["ramp"].get("cache_hit_ratio") for run in runs),
        "memory_mib": spread(
            sum(mib for name, mib in step["memory_mib"].items() if name in PATH) for step in crowds
        ),
        "job_wait_p95_s": spread(run["many"]["job_wait_p95_s"] for run in runs),
        "outbox_oldest_s": spread(run["many"]["outbox_oldest_s"] for run in runs),
        "replication_lag_s": spread(run["many"]["replication_lag_s"] for run in runs),
        **_delivery(runs),
        "little": spread(step["little"] for step in knees),
        "little_at_many": spread(step["little"] for step in crowds),
        "generator_cpu": spread(step["generator"]["cpu_share"] for step in knees),
        "bottlenecks": [bottleneck(run) for run in runs],
        "curve": curve(runs),
    }


def _delivery(runs: list[Run]) -> dict[str, Spread | None]:
    """Of an edge's requests and bytes, the share that the origin saw. All of it without an edge."""
    told = [run["many"]["delivered"] for run in runs]
    requests, data, hits = [], [], []
    for one in told:
        requests.append(_ratio(one["origin_requests"], one["edge_requests"]) if one else 1.0)
        data.append(_ratio(one["origin_bytes"], one["edge_bytes"]) if one else 1.0)
        hits.append(one["edge_hit_ratio"] if one else None)
    crowds = [many(run) for run in runs]
    shares = zip(crowds, data, strict=True)
    return {
        "edge_hit_ratio": spread(hits),
        "origin_requests_share": spread(requests),
        "origin_bytes_per_request": spread(
            share * step["bytes"] / step["requests"]
            for step, share in shares
            if share is not None and step["requests"]
        ),
    }


def bottleneck(run: Run) -> dict[str, str]:
    """What the doctor named: which resource, by what evidence, and what relieves it."""
    told = run.get("doctor")
    if told is None:
        return {"named": "not asked", "evidence": "", "next_step": ""}
    if "error" in told:
        return {"named": "not known", "evidence": told["error"], "next_step": ""}
    found = told["bottleneck"]
    if not found:
        return {"named": "nothing is saturated", "evidence": "", "next_step": ""}
    return {
        "named": f"{found['service']}: {found['resource']}",
        "evidence": ", ".join(found["evidence"]),
        "next_step": found["next_step"],
    }


def services(told: Sequence[dict[str, Any]]) -> list[str]:
    """All services that any of the stages has, in the order of a request."""
    return [n for n in (*PATH, WATCHING) if any(n in one["cpu_ms_per_request"] for one in told)]


def curve(runs: Sequence[Run]) -> list[dict[str, Any]]:
    """Throughput and latency against users: each number of users once, the median of its steps."""
    steps = [step for run in runs for step in run["steps"] if step["kind"] != "warm"]
    points = []
    for users in sorted({step["users"] for step in steps}):
        some = [step for step in steps if step["users"] == users]
        points.append(
            {
                "users": users,
                **{name: _each(some, name) for name in ("good_rps", "p50_ms", "p95_ms", "mean_ms")},
                "held": some[-1]["held"],
            }
        )
    return points


def _each(steps: Sequence[Step], name: str) -> Spread | None:
    return spread(step[name] for step in steps)


def _by_name(
    steps: Sequence[Step], figure: Callable[[Step], dict[str, float]]
) -> dict[str, Spread | None]:
    told = [figure(step) for step in steps]
    names = [name for name in (*PATH, WATCHING) if any(name in one for one in told)]
    return {name: spread(one.get(name) for one in told) for name in names}


def _ratio(part: float, whole: float) -> float | None:
    return round(part / whole, 4) if whole else None
