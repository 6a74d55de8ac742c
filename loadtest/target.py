"""One look at the target before the start: else one cause would make a thousand errors.

And one visit to its page: most browsers of the crowd were here before, and hold its files.
"""

import json
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from loadtest.page import EarlierVisit, files_of

TIMEOUT_S = 10


def visit(host: str) -> EarlierVisit:
    """Look at the page as a browser does. A site without one has nothing to hold."""
    request = Request(f"{host.rstrip('/')}/", headers={"accept": "text/html"})  # noqa: S310 (as below)
    try:
        with urlopen(request, timeout=TIMEOUT_S) as answer:  # noqa: S310
            return EarlierVisit(answer.headers["etag"] or "", frozenset(files_of(answer.read())))
    except OSError, ValueError:
        return EarlierVisit()


def unusable(host: str | None, members: int, posts: int) -> str | None:
    """One line that says why the target cannot be loaded and what to do; None when it can."""
    if not host:
        return "no target: set LOCUST_HOST, for example to http://localhost:8080"
    try:
        for path, variable in (
            (f"users/{members}", "SEED_USERS"),
            (f"posts/{posts}", "SEED_POSTS"),
        ):
            if not _is_there(f"{host.rstrip('/')}/api/{path}"):
                return f"{host} has no /api/{path}: {variable} must be what the data was made with"
    except (URLError, OSError, ValueError) as error:
        reason = error.reason if isinstance(error, URLError) else error
        return f"{host} cannot be reached ({reason}): start a stage, for example `make stage-1`"
    return None


def _is_there(url: str) -> bool:
    request = Request(url, headers={"accept": "application/json"})  # noqa: S310 (the user's own target)
    try:
        with urlopen(request, timeout=TIMEOUT_S) as answer:  # noqa: S310
            return isinstance(json.load(answer), dict)
    except HTTPError as error:
        with error:  # it is an open answer as well
            if error.code == 404:  # noqa: PLR2004
                return False
        raise
