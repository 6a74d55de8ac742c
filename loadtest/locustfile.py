"""What Locust reads: its users, each a person of the crowd, and the settings of the run.

| variable | what | default |
|---|---|---|
| LOCUST_HOST | the public entry | – |
| SEED_USERS, SEED_POSTS | how much data there is, as given to db/seed | 20000, 200000 |
| SEED | of all dice: the same number, the same crowd | 1 |
"""

import logging
import os
import sys
import time
from collections.abc import Callable
from itertools import count
from random import Random
from typing import Any

from locust import FastHttpUser, events, task
from locust.env import Environment
from locust.runners import WorkerRunner

from loadtest import target
from loadtest.answers import WrongAnswer
from loadtest.members import somebody
from loadtest.visitors import Data

MEMBERS = int(os.environ.get("SEED_USERS") or 20_000)
POSTS = int(os.environ.get("SEED_POSTS") or 200_000)
SEED = int(os.environ.get("SEED") or 1)
RUN = f"{int(time.time()):x}"

DATA = Data(MEMBERS, POSTS)
numbers = count()


class Person(FastHttpUser):
    """One person of the crowd: acts, waits about a second, acts again."""

    # The outermost step of the ladder (docs/timeouts.md): all others give up before this one.
    network_timeout = 20.0
    connection_timeout = 20.0
    # A second try would hide the failure of the first, and could write twice.
    max_retries = 0

    def on_start(self) -> None:
        """Take a number; dice and names follow from it."""
        runner = self.environment.runner
        worker = runner.worker_index if isinstance(runner, WorkerRunner) else 0
        number = f"{worker}.{next(numbers)}" if worker else f"{next(numbers)}"
        self._dice = Random(f"{SEED}/{number}")
        self._somebody = somebody(self, DATA, self._dice, number, RUN)

    def wait_time(self) -> float:
        """Seconds between two acts: 100 people are about 110 requests a second."""
        return self._dice.uniform(0.5, 1.5)

    @task
    def act(self) -> None:
        """Do what a person does next."""
        self._somebody.act()

    def ask(
        self,
        method: str,
        route: str,
        check: Callable[[Any], None],
        *,
        path: str | None = None,
        expect: int = 200,
        json: dict[str, str] | None = None,
    ) -> Any:
        """Send a request and judge its answer: see `Browser`."""
        with self.client.request(
            method, path or route, name=route, json=json, catch_response=True
        ) as answer:
            if answer.status_code == 0:
                return None  # no answer: Locust counts it with the reason of the connection
            try:
                return _judged(answer, expect, check)
            except WrongAnswer as wrong:
                answer.failure(str(wrong))
                return None


def _judged(answer: Any, expect: int, check: Callable[[Any], None]) -> Any:
    if answer.status_code != expect:
        raise WrongAnswer(f"status {answer.status_code} instead of {expect}")
    try:
        body = answer.json()
    except ValueError as error:
        raise WrongAnswer("the body is not JSON") from error
    check(body)
    return body


@events.init.add_listener  # type: ignore[untyped-decorator]  # Locust has no types for it
def look_at_target(environment: Environment, **_: Any) -> None:
    """Without its pages, end at once with one line when the target cannot be loaded."""
    options = environment.parsed_options
    if options and options.headless and not options.worker:
        problem = target.unusable(options.host, MEMBERS, POSTS)
        if problem:
            sys.exit(f"locust: {problem}")


@events.test_start.add_listener  # type: ignore[untyped-decorator]  # as above
def look_again(environment: Environment, **_: Any) -> None:
    """With its pages, say it in the log: the host can be typed there again."""
    options = environment.parsed_options
    if options and not options.headless and not isinstance(environment.runner, WorkerRunner):
        problem = target.unusable(environment.host, MEMBERS, POSTS)
        if problem:
            logging.getLogger("locust.target").error("%s", problem)
