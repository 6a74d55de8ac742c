"""A run from its start to its last word: counts, watches, and says whether the numbers can be used.

It listens to Locust's events, in each process: alone, as the master, or as a worker. Workers send
their counts with Locust's own reports, and the master has the last word.
"""

import json
import time
from pathlib import Path
from random import Random
from typing import Any

import gevent
from locust.env import Environment
from locust.runners import MasterRunner, WorkerRunner

from loadtest import target
from loadtest.arrivals import Arrivals, moments
from loadtest.counted import Counted, Figures, knee, summary
from loadtest.person import Person
from loadtest.settings import Settings
from loadtest.shapes import Open
from loadtest.told import in_words
from loadtest.watch import cpus, watch

# Locust's own codes: 0, 1 for failed requests, 2 for its own errors.
UNUSABLE = 3
# What a box says in its very last moment can be lost on the way to who started it by
# `docker compose run`: seen once, all but the last lines of a run had come.
_HEARD_S = 0.5


class Run:
    """The runs of one process, one after the other."""

    def __init__(self, environment: Environment, settings: Settings) -> None:
        """Begin to listen."""
        self._environment, self._settings = environment, settings
        self._runner: Any = environment.runner
        self._options: Any = environment.parsed_options
        self._workers: dict[str, Counted] = {}
        self._told: dict[str, Figures] = {}
        self._greenlets: list[gevent.Greenlet] = []
        self._counted = Counted(cpus())
        self._start, self._seconds = time.perf_counter(), 0.0
        self._summary: Figures | None = None
        self._opened = False
        self._heard: dict[str, Any] = {}
        if isinstance(self._runner, WorkerRunner):
            self._runner.register_message("part", self._hear)
        Open.finished = staticmethod(self._all_served)
        for event, listener in {
            "test_start": self._begin,
            "spawning_complete": self._open,
            "request": self._request,
            "report_to_master": self._report,
            "worker_report": self._reported,
            "test_stop": self._end,
            "quitting": self._judge,
            "quit": self._print,
        }.items():
            getattr(environment.events, event).add_listener(listener)

    def _begin(self, **_: Any) -> None:
        self._workers, self._told, self._summary, self._opened = {}, {}, None, False
        Person.arrivals = None
        if isinstance(self._runner, MasterRunner):
            # A worker is told neither rate nor time, and before its people come it must know both.
            self._runner.send_message("part", self._part(self._runner.worker_count))
        else:
            Person.earlier_visit = target.visit(self._environment.host or "")
            if isinstance(self._environment.shape_class, Open):
                Person.arrivals = self._arrivals(**(self._heard or self._part(1)))
        self._count_from_now()

    def _part(self, workers: int) -> dict[str, Any]:
        """What each of the workers needs to know of the arrivals."""
        rate = self._options.spawn_rate or 1
        return {"rate": rate, "seconds": self._options.run_time, "workers": workers}

    def _hear(self, msg: Any, **_: Any) -> None:
        self._heard = msg.data

    def _arrivals(self, rate: float, seconds: float | None, workers: int) -> Arrivals:
        """This process's part: the sum of Poisson processes is one, and even ones take turns."""
        index = self._runner.worker_index if isinstance(self._runner, WorkerRunner) else 0
        dice = Random(f"{self._settings.seed}/arrivals/{index}")
        return Arrivals(
            moments(
                rate / workers,
                seconds or float("inf"),
                dice if self._settings.arrivals == "poisson" else None,
                ahead=index / rate,
            )
        )

    def _open(self, **_: Any) -> None:
        """The pool is there: arrivals begin, and with them the time that is counted."""
        if isinstance(self._environment.shape_class, Open) and not self._opened:
            self._opened = True
            self._count_from_now()
            if Person.arrivals:
                Person.arrivals.begin()

    def _count_from_now(self) -> None:
        self._stop_watching()
        self._start, self._counted, self._seconds = time.perf_counter(), Counted(cpus()), 0.0
        self._greenlets = [
            gevent.spawn(watch, self._counted, self._start),
            gevent.spawn(self._count_users),
        ]

    def _count_users(self) -> None:
        runner = self._runner
        while not isinstance(runner, WorkerRunner):
            here = self._counted.at(time.perf_counter() - self._start)
            here.users = max(here.users, runner.user_count)
            gevent.sleep(1)

    def _request(
        self, request_type: str, name: str, response_time: float, exception: object, **_: Any
    ) -> None:
        self._counted.request(
            time.perf_counter() - self._start,
            f"{request_type} {name}",
            response_time,
            failed=exception is not None,
        )

    def _report(self, data: dict[str, Any], **_: Any) -> None:
        data["counted"] = self._counted.take()
        data["arrivals"] = Person.arrivals.told() if Person.arrivals else {}

    def _reported(self, client_id: str, data: dict[str, Any], **_: Any) -> None:
        self._workers.setdefault(client_id, Counted()).put(data["counted"])
        if data["arrivals"]:
            self._told[client_id] = data["arrivals"]

    def _all_served(self) -> bool:
        if isinstance(self._runner, MasterRunner):
            every = len(self._told) >= self._runner.worker_count
            return self._opened and every and all(one["finished"] for one in self._told.values())
        return Person.arrivals is not None and Person.arrivals.finished()

    def _end(self, **_: Any) -> None:
        if not self._seconds:
            self._seconds = time.perf_counter() - self._start
            self._stop_watching()
            if Person.arrivals:
                Person.arrivals.close()

    def _stop_watching(self) -> None:
        gevent.killall(self._greenlets)

    def _judge(self, **_: Any) -> None:
        """Sum up, and let the exit code say it when the numbers cannot be used."""
        runner = self._runner
        if isinstance(runner, WorkerRunner):
            return
        self._end()
        processes = [self._counted, *self._workers.values()]
        arrivals = isinstance(self._environment.shape_class, Open)
        seconds = max(each.last_s for each in processes) if arrivals else self._seconds
        self._summary = {
            "shape": type(self._environment.shape_class).__name__.lower()
            if self._environment.shape_class
            else "steady",
            **summary(processes, seconds),
        }
        if arrivals:
            self._summary["arrivals"] = self._sum_of_arrivals()
        if self._summary["shape"] == "ramp":
            self._summary["knee"] = knee(self._summary["slices"])
        if not self._summary["usable"]:
            self._environment.process_exit_code = UNUSABLE
        elif arrivals and self._summary["arrivals"]["unserved"]:
            self._environment.process_exit_code = 1

    def _sum_of_arrivals(self) -> Figures:
        told = list(self._told.values())
        if Person.arrivals:
            told = [Person.arrivals.told()]
        summed = {name: sum(one[name] for one in told) for name in ("begun", "unserved", "late")}
        return {
            **summed,
            "latest_ms": max((one["latest_ms"] for one in told), default=0.0),
            "rate": self._options.spawn_rate,
            "pool": self._options.num_users,
        }

    def _print(self, **_: Any) -> None:
        if self._summary is None or not self._summary["slices"]:
            return
        print(in_words(self._summary), flush=True)
        wanted = self._settings.summary
        if wanted in ("1", "json"):
            print(f"SLUICE_SUMMARY {json.dumps(self._summary)}", flush=True)
        elif wanted:
            Path(wanted).write_text(json.dumps(self._summary, indent=1) + "\n", encoding="utf-8")
        gevent.sleep(_HEARD_S)
