"""What the ladder was promised to buy, held against what was measured.

A verdict is one of: met, not met, not measurable here (and why). The median of the rounds decides;
the spread stands beside it, and a threshold that lies within the spread is said so.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from loadtest.ladder import figures
from loadtest.ladder.figures import Run, Spread

MET, NOT_MET, UNKNOWN = "met", "not met", "not measurable here"


@dataclass(frozen=True)
class Claim:
    """One claim, and its figure: a value for each round."""

    claim: str
    claimed: str
    threshold: float
    at_least: bool
    unit: str  # how the figure is written: ×, %, or nothing
    reading: str
    values: list[float]
    why_not: str = ""  # measurable here

    def judged(self) -> dict[str, Any]:
        """The claim with its verdict, for the report."""
        told = figures.spread(self.values)
        return {
            **{name: value for name, value in asdict(self).items() if name != "values"},
            "measured": told,
            "verdict": self._verdict(told),
            "within_spread": told is not None
            and told["least"] < self.threshold < told["most"]
            and len(self.values) > 1,
        }

    def _verdict(self, told: Spread | None) -> str:
        if told is None or self.why_not:
            return UNKNOWN
        met = (
            told["median"] >= self.threshold if self.at_least else told["median"] <= self.threshold
        )
        return MET if met else NOT_MET


def judge(runs: Sequence[Run]) -> list[dict[str, Any]]:
    """Every claim, in the order of the stages."""
    rounds = _rounds(runs)
    return [
        claim(rounds).judged()
        for claim in (
            _thousand, _times_three, _reads, _load, _statements, _response, _hits, _static, _slow,
            _eight,
        )
    ]  # fmt: skip


Rounds = list[dict[int, Run]]


def _rounds(runs: Sequence[Run]) -> Rounds:
    """The runs of each round, by stage: a round is compared with itself, as noise comes in time."""
    numbers = sorted({run["round"] for run in runs})
    return [{run["stage"]: run for run in runs if run["round"] == number} for number in numbers]


def _ratios(
    rounds: Rounds, above: int, below: int, figure: Callable[[Run], float | None]
) -> list[float]:
    """Of each round that has both: the figure of one stage by that of another."""
    found = []
    for runs in rounds:
        if above in runs and below in runs:
            over, under = figure(runs[above]), figure(runs[below])
            if over is not None and under:
                found.append(over / under)
    return found


def _values(rounds: Rounds, stage: int, figure: Callable[[Run], float | None]) -> list[float]:
    told = (figure(runs[stage]) for runs in rounds if stage in runs)
    return [value for value in told if value is not None]


def _knee_rps(run: Run) -> float | None:
    step = figures.knee(run)
    return step["rps"] if step else None


def _limited(rounds: Rounds, stage: int) -> str:
    """Why a knee was not the stage's own; empty when it was."""
    reasons = {reason for runs in rounds if stage in runs for reason in figures.limits(runs[stage])}
    return "; ".join(sorted(reasons))


def _of_knees(claim: Claim, rounds: Rounds, above: int, below: int) -> Claim:
    """A knee that the generator or the machine has limited is a lower bound.

    Above, it may be enough to meet a claim, but not to miss it; below, the ratio is worth nothing.
    """
    over, under = _limited(rounds, above), _limited(rounds, below)
    told = figures.spread(claim.values)
    enough = told is not None and told["median"] >= claim.threshold
    why_not = under or ("" if enough else over)
    note = f" Stage {above}'s knee is a lower bound: {over}." if over and not why_not else ""
    return replace(claim, reading=claim.reading + note, why_not=why_not)


def _thousand(rounds: Rounds) -> Claim:
    def share(run: Run, name: str) -> float | None:
        step = figures.many(run)
        return step[name] / step["requests"] if step["requests"] else None

    failed = _values(rounds, 1, lambda run: share(run, "failures"))
    told = f" {100 * max(failed):.1f} % failed." if failed else ""
    return Claim(
        "1,000 concurrent users are too many for stage 1",
        "struggles from 1,000 users",
        threshold=0.05,
        at_least=True,
        unit="% late or failed",
        reading=f"Not answered right within 0.5 s; served well, it would be under 5 %.{told}",
        values=_values(rounds, 1, lambda run: share(run, "late_or_failed")),
    )


def _times_three(rounds: Rounds) -> Claim:
    claim = Claim(
        "Three replicas behind a balancer serve three times as much (stage 2 by stage 1)",
        "× 3 (expected here: ≥ 2.8)",
        threshold=2.8,
        at_least=True,
        unit="×",
        reading="Requests per second at the knee. The database becomes the next limit.",
        values=_ratios(rounds, 2, 1, _knee_rps),
    )
    return _of_knees(claim, rounds, 2, 1)


def _reads(rounds: Rounds) -> Claim:
    claim = Claim(
        "Reads spread over two replicas (stage 3 by stage 2)",
        "much better; no figure is given, so here: ≥ 1.2",
        threshold=1.2,
        at_least=True,
        unit="×",
        reading="Requests per second at the knee. It grows until the web replicas are full.",
        values=_ratios(rounds, 3, 2, _knee_rps),
    )
    return _of_knees(claim, rounds, 3, 2)


def _statements(rounds: Rounds) -> Claim:
    return Claim(
        "Statements per request at stage 4 are a tenth of stage 3's",
        "expected here: ≤ 10 %",
        threshold=0.1,
        at_least=False,
        unit="%",
        reading="As the databases count them, the relay's and workers' too, at each stage's knee.",
        values=_ratios(rounds, 4, 3, _statements_at_knee),
    )


def _statements_at_knee(run: Run) -> float | None:
    return figures.statements_per_request(figures.knee(run))


def _load(rounds: Rounds) -> Claim:
    def cpu(run: Run) -> float | None:
        step = figures.knee(run)
        if step is None:
            return None
        spent = figures.cpu_per_request(step)
        return sum(spent.get(name, 0.0) for name in ("primary", "replica-1", "replica-2"))

    return Claim(
        "The cache takes 80 % of the load off the databases (stage 4 by stage 3)",
        "− 80 %",
        threshold=0.8,
        at_least=True,
        unit="% less",
        reading="CPU time of all databases a request at each stage's knee, replaying included.",
        values=[1 - ratio for ratio in _ratios(rounds, 4, 3, cpu)],
    )


def _response(rounds: Rounds) -> Claim:
    """At the same number of users, the most that both stages held."""
    values, where, doubts = [], set(), set()
    for runs in rounds:
        if not runs.keys() >= {3, 4}:
            continue
        slow, fast = (
            {step["users"]: step for step in figures.ramp(runs[stage]) if step["held"]}
            for stage in (3, 4)
        )
        if both := slow.keys() & fast.keys():
            users = max(both)
            where.add(users)
            values.append(slow[users]["p50_ms"] / fast[users]["p50_ms"])
            doubts |= {*figures.distrust(slow[users]), *figures.distrust(fast[users])}
    at = " and ".join(map(str, sorted(where))) or "no number of"
    return Claim(
        "With the cache, answers come in a tenth of the time (stage 3 by stage 4)",
        "÷ 10",
        threshold=10,
        at_least=True,
        unit="×",
        reading=f"Median response time at {at} users, the most that both held in a common step. "
        "The rest of an answer's way (balancer, Python, network) has no cache.",
        values=values,
        why_not="; ".join(sorted(doubts)),
    )


def _hits(rounds: Rounds) -> Claim:
    return Claim(
        "Four reads in five end in the cache (stage 4)",
        "≥ 80 %",
        threshold=0.8,
        at_least=True,
        unit="%",
        reading="Of reads that go through the cache, in the ramp; it began with the most wanted.",
        values=_values(rounds, 4, lambda run: run["ramp"].get("cache_hit_ratio")),
    )


def _static(rounds: Rounds) -> Claim:
    def share(run: Run) -> float | None:
        told = run["static"]
        return told["from_origin"] / told["asked"] if told["asked"] else None

    before = _values(rounds, 4, share)
    told = f" At stage 4 it was {100 * max(before):.0f} %." if before else ""
    return Claim(
        "Static files leave the origin (stage 5)",
        "all of them",
        threshold=0.0,
        at_least=False,
        unit="%",
        reading=f"Files of the first page that came from the origin when asked for again.{told}",
        values=_values(rounds, 5, share),
    )


def _slow(rounds: Rounds) -> Claim:
    def inside(run: Run) -> float | None:
        jobs = {
            where: sum(run[part].get("jobs", {}).get(where, 0) for part in ("ramp", "many"))
            for where in ("request", "worker")
        }
        total = sum(jobs.values())
        return jobs["request"] / total if total else None

    before = _values(rounds, 4, inside)
    told = f"At stage 4 it was {100 * max(before):.0f} %." if before else ""
    return Claim(
        "Slow work leaves the request (stage 5)",
        "all of it",
        threshold=0.0,
        at_least=False,
        unit="%",
        reading=f"Jobs (welcome e-mails, pictures) done while somebody waits. {told}",
        values=_values(rounds, 5, inside),
    )


def _eight(rounds: Rounds) -> Claim:
    claim = Claim(
        "The whole ladder: stage 5 by stage 1",
        "expected here: ≥ 8",
        threshold=8,
        at_least=True,
        unit="×",
        reading="Requests per second at the knee; a box's share of a core is the same everywhere.",
        values=_ratios(rounds, 5, 1, _knee_rps),
    )
    return _of_knees(claim, rounds, 5, 1)
