"""The log store (VictoriaLogs), asked from this machine: is it there, and which lines match?

https://docs.victoriametrics.com/victorialogs/querying/#http-api
"""

from __future__ import annotations

import json
import urllib.error
import urllib.parse
import urllib.request

from stages.compose import Stop, docker, project
from stages.log_lines import Line

LINES_MAX = 10_000
ANSWER_WITHIN_S = 10
_PORT = "9428/tcp"


class NotThere(Exception):
    """The store runs and does not answer."""


def address() -> str | None:
    """Return where the store answers on this machine; None when it does not run."""
    of_ours = [
        f"label=com.docker.compose.{name}"
        for name in (f"project={project()}", "service=log-store")
    ]  # fmt: skip
    filters = [word for one in (*of_ours, "status=running") for word in ("--filter", one)]
    found = docker("ps", "--quiet", *filters).split()
    return f"http://{docker('port', found[0], _PORT).split()[0]}" if found else None


def ask(store: str, question: str, since: str) -> list[Line]:
    """Return the newest lines that answer a question in LogsQL, `LINES_MAX` of them at most.

    Raises:
        Stop: the question is none.
        NotThere: no answer in time.
    """
    query = f"_time:{since} ({question}) | fields _time, _msg, container"
    values = urllib.parse.urlencode({"query": query, "limit": LINES_MAX, "timeout": "8s"})
    request = urllib.request.Request(f"{store}/select/logsql/query", values.encode())  # noqa: S310 - http
    try:
        with urllib.request.urlopen(request, timeout=ANSWER_WITHIN_S) as answer:  # noqa: S310 - as above
            rows = [json.loads(row) for row in answer]
    except urllib.error.HTTPError as refused:
        why = " ".join(refused.read().decode(errors="replace").split())
        raise Stop(f"the log store does not understand Q={question}: {why[:300]}") from None
    except (OSError, ValueError) as problem:
        raise NotThere(str(problem)) from problem
    return [
        Line(row.get("container", "?"), row["_time"], row.get("_msg", "")) for row in rows
    ]  # fmt: skip


def quoted(value: str) -> str:
    """Return a value as LogsQL takes it."""
    return json.dumps(value)
