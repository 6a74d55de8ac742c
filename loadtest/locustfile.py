"""What Locust reads: its user, the shape of the run, and what listens to it.

The variables are in `settings`.
"""

import logging
import signal
import sys
from typing import Any

from locust import events
from locust.env import Environment
from locust.runners import WorkerRunner

from loadtest import target

try:
    from loadtest.person import Person
    from loadtest.run import Run
    from loadtest.settings import SETTINGS
    from loadtest.shapes import chosen

    # Locust takes every shape that it finds among the names of this module.
    globals().update(chosen(SETTINGS.shape))
except ValueError as error:  # a variable is wrong
    sys.exit(f"locust: {error}")

__all__ = ["Person"]


@events.init.add_listener  # type: ignore[untyped-decorator]  # Locust has no types for it
def look_at_target(environment: Environment, **_: Any) -> None:
    """Without its pages, end at once with one line when the target cannot be loaded."""
    options = environment.parsed_options
    if options and options.headless and not options.worker:
        problem = _problem(options.host)
        if problem:
            sys.exit(f"locust: {problem}")
    # Locust listens for it, but not before a shape is over: a stopped box ends as by Ctrl-C.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    Run(environment, SETTINGS)


@events.test_start.add_listener  # type: ignore[untyped-decorator]  # as above
def look_again(environment: Environment, **_: Any) -> None:
    """With its pages, say it in the log: the host can be typed there again."""
    options = environment.parsed_options
    if options and not options.headless and not isinstance(environment.runner, WorkerRunner):
        problem = _problem(environment.host)
        if problem:
            logging.getLogger("locust.target").error("%s", problem)


def _problem(host: str | None) -> str | None:
    return target.unusable(host, SETTINGS.seed_users, SETTINGS.seed_posts)
