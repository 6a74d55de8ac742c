"""One person of the crowd as Locust runs it: a browser, and what is done with it."""

import time
from collections.abc import Callable
from itertools import count
from random import Random
from typing import Any

from gevent.pool import Pool
from locust import FastHttpUser, task
from locust.exception import StopUser
from locust.runners import WorkerRunner

from loadtest.answers import WrongAnswer
from loadtest.arrivals import Arrivals
from loadtest.members import somebody
from loadtest.page import EarlierVisit, Fetched
from loadtest.settings import SETTINGS
from loadtest.visitors import Data, OneRoute, Visitor

DATA = Data(SETTINGS.seed_users, SETTINGS.seed_posts, writes=SETTINGS.writes)
RUN = f"{int(time.time()):x}"
# What browsers open to one host over HTTP/1.1.
CONNECTIONS = 6
NOT_MODIFIED = 304

numbers = count()


class Person(FastHttpUser):
    """Acts, waits about a second, acts again; or acts at each arrival that is handed over."""

    # The outermost step of the ladder (docs/timeouts.md): all others give up before this one.
    network_timeout = 20.0
    connection_timeout = 20.0
    # A second try would hide the failure of the first, and could write twice.
    max_retries = 0
    concurrency = CONNECTIONS

    # Of the whole process, set by the locustfile when a run begins.
    arrivals: Arrivals | None = None
    earlier_visit = EarlierVisit()

    def on_start(self) -> None:
        """Take a number; dice and names follow from it."""
        runner = self.environment.runner
        worker = runner.worker_index if isinstance(runner, WorkerRunner) else 0
        number = f"{worker}.{next(numbers)}" if worker else f"{next(numbers)}"
        self._dice = Random(f"{SETTINGS.seed}/{number}")
        self._due: float | None = None
        self._somebody: Visitor | OneRoute
        if SETTINGS.route:
            self._somebody = OneRoute(self, SETTINGS.route)
        else:
            self._somebody = somebody(self, DATA, self._dice, number, RUN)
            self._somebody.arrive(self.earlier_visit, SETTINGS.new_browsers)

    def wait_time(self) -> float:
        """Seconds between two acts: 100 people are about 110 requests a second."""
        return 0.0 if self.arrivals else self._dice.uniform(0.5, 1.5)

    @task
    def act(self) -> None:
        """Do what a person does next; with open arrival, when somebody is due."""
        if self.arrivals is None:
            self._somebody.act()
            return
        self._due = self.arrivals.wait()
        if self._due is None:
            raise StopUser
        try:
            self._somebody.act()
        finally:
            self.arrivals.end()

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
        late_ms = self._late_ms()
        with self.client.request(
            method, path or route, name=route, json=json, catch_response=True
        ) as answer:
            answer.request_meta["response_time"] += late_ms
            if answer.status_code == 0:
                return None  # no answer: Locust counts it with the reason of the connection
            try:
                return _judged(answer, expect, check)
            except WrongAnswer as wrong:
                answer.failure(str(wrong))
                return None

    def fetch(
        self, route: str, path: str, check: Callable[[bytes], None], etag: str = ""
    ) -> Fetched | None:
        """GET a page or a file and judge it: see `Fetching`."""
        headers = {"if-none-match": etag} if etag else {}
        late_ms = self._late_ms()
        with self.client.request(
            "GET", path, name=route, headers=headers, catch_response=True
        ) as answer:
            answer.request_meta["response_time"] += late_ms
            if answer.status_code == NOT_MODIFIED and etag:
                answer.success()
            elif answer.status_code:
                try:
                    _expected(answer, 200)
                    check(answer.content)
                    return Fetched(answer.content, answer.headers.get("etag") or "")
                except WrongAnswer as wrong:
                    answer.failure(str(wrong))
            return None

    def together(self, calls: list[Callable[[], object]]) -> None:
        """Make these calls at once, as many as there are connections."""
        pool = Pool(CONNECTIONS)
        for call in calls:
            pool.spawn(call)
        pool.join(raise_error=True)

    def _late_ms(self) -> float:
        """By how much the first request of an arrival is later than it was due; once."""
        due, self._due = self._due, None
        return 0.0 if due is None else max(0.0, time.perf_counter() - due) * 1000


def _expected(answer: Any, status: int) -> None:
    if answer.status_code != status:
        raise WrongAnswer(f"status {answer.status_code} instead of {status}")


def _judged(answer: Any, expect: int, check: Callable[[Any], None]) -> Any:
    _expected(answer, expect)
    try:
        body = answer.json()
    except ValueError as error:
        raise WrongAnswer("the body is not JSON") from error
    check(body)
    return body
