"""One run: one stage, on data just put back, from its first golden answer to its last figure."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from typing import Any

from loadtest.ladder import crowd, golden, measure, warm
from loadtest.ladder.measure import Meter, Reading, Step
from loadtest.ladder.plan import Plan
from loadtest.ladder.prometheus import Prometheus
from loadtest.ladder.stack import PROJECT, Stack
from loadtest.ladder.statements import asked

SCRAPED_AFTER_S = 6  # Prometheus looks every five seconds
DOCTOR_LOOKS_BACK_MIN = 1

Run = dict[str, Any]


@dataclass(frozen=True)
class Climb:
    """What all runs of a ladder have in common."""

    stack: Stack
    members: int
    posts: int

    def run(self, number: int, stage: int, plan: Plan) -> Run:
        """Measure one stage once."""
        began = time.time()
        self.stack.put_back()
        switched_s = self.stack.switch(stage)
        run: Run = {"round": number, "stage": stage, "began": began, "switch_s": switched_s}
        run["golden"] = golden.answers(self.stack.entry_port, self.members, self.posts, plan.seed)
        run["static"] = golden.static(self.stack.entry_port)
        if "redis" in self.stack.boxes():
            run["filled"] = warm.fill(self.stack.entry_port, self.members, self.posts, plan)
        run["steps"], run["ramp"] = self._steps(plan)
        time.sleep(SCRAPED_AFTER_S)
        self._look_back(run)
        run["took_s"] = round(time.time() - began, 1)
        return run

    def _steps(self, plan: Plan) -> tuple[list[Step], dict[str, Any]]:
        """The crowd's steps, each with what it cost."""
        steps: list[Step] = []
        ramp: dict[str, Any] = {}
        before: Reading | None = None
        with asked(self.stack.databases()) as statements:
            meter = Meter(PROJECT, statements)
            for told in crowd.send(plan, PROJECT, self.stack.environment):
                event = told.pop("event")
                if event == "open":
                    before = meter.read()
                elif event == "close":
                    assert before is not None
                    step = told | measure.spent(before, meter.read())
                    step["little"] = measure.little(step)
                    steps.append(step)
                    say(step)
                else:
                    ramp = told
        return steps, ramp

    def _look_back(self, run: Run) -> None:
        """What others have seen of the ramp and of the many."""
        seen = Prometheus(self.stack.prometheus)
        ramp = [step for step in run["steps"] if step["kind"] == "ramp"]
        many = next(step for step in run["steps"] if step["kind"] == "many")
        if ramp:
            began, ended = ramp[0]["began"], ramp[-1]["ended"]
            run["ramp"] |= seen.window(began, ended)
            # At its end, the search is within a few per cent of the knee.
            run["doctor"] = measure.doctor(DOCTOR_LOOKS_BACK_MIN, ended, self.stack.environment)
        run["many"] = seen.window(many["began"], many["ended"])
        if not {"replica-1", "replica-2"} & self.stack.databases().keys():
            run["many"]["replication_lag_s"] = None  # of replicas that were there before
        run["many"]["delivered"] = measure.delivered(PROJECT, many["began"], many["ended"])


def say(step: Step) -> None:
    """Tell the person who waits."""
    if step["kind"] == "warm":
        return
    word = "held" if step["held"] else "not held"
    p95 = "–" if step["p95_ms"] is None else f"{step['p95_ms']:.0f}"
    print(
        f"  {step['users']:>5} users: {step['rps']:>6.0f} req/s, p95 {p95:>5} ms, "
        f"{step['failures']} failed: {word}",
        file=sys.stderr,
    )
