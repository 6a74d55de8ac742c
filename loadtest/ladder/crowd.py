"""Sends the crowd, and tells what it says of itself: the only place that knows it is Locust."""

from __future__ import annotations

import contextlib
import json
import subprocess
import tempfile
import threading
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any

from loadtest.bench.commands import ROOT, Stop
from loadtest.ladder.plan import Plan

MARK = "LADDER "
LOCUSTFILE = "/app/loadtest/ladder/steps.py"
START_WITHIN_S = 60


def send(plan: Plan, project: str, environment: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    """What `steps` says, as it says it.

    Raises:
        Stop: it ended before its last step, or did not end in time.
    """
    within_s = START_WITHIN_S + plan.warm_s + plan.ramp_within_s + plan.step_s + plan.many_s
    box = f"{project}-crowd"
    command = [
        str(ROOT / "bin/compose"), "run", "--rm", "--no-deps", "--no-TTY", "--name", box,
        "--env", f"LADDER_PLAN={json.dumps(asdict(plan))}", "--env", f"SEED={plan.seed}",
        "--env", f"WRITES={plan.writes}",
        "locust", "--locustfile", LOCUSTFILE, "--headless", "--only-summary",
    ]  # fmt: skip
    ended = False
    with tempfile.TemporaryFile("w+") as words, contextlib.ExitStack() as at_the_end:
        running = subprocess.Popen(
            command,
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=words,
            text=True,
        )
        at_the_end.callback(_end, running, box)
        clock = threading.Timer(within_s, _end, (running, box))
        clock.start()
        at_the_end.callback(clock.cancel)
        assert running.stdout is not None
        for line in running.stdout:
            if line.startswith(MARK):
                told: dict[str, Any] = json.loads(line.removeprefix(MARK))
                ended = told["event"] == "close" and told["kind"] == "many"
                yield told
        running.wait()
        if not ended:
            words.seek(0)
            last = words.read().strip().splitlines()[-1:] or ["without a word"]
            raise Stop(f"the crowd ended early: {last[0]}")


def _end(running: subprocess.Popen[str], box: str) -> None:
    if running.poll() is None:
        subprocess.run(["docker", "rm", "--force", box], capture_output=True, check=False)
        running.terminate()
        running.wait()
