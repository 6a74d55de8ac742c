"""How many statements each database has executed for the application, as itself counts them.

`pg_stat_statements` of the primary and of each replica. One prompt stays open in each box: a new
psql at every look would cost a box of a fifth of a core more than the answer.
"""

from __future__ import annotations

import contextlib
import select
import subprocess
from collections.abc import Iterator

from loadtest.bench.commands import ROOT

# Of the role of web, relay and worker; without BEGIN and COMMIT (track_utility is off).
QUESTION = (
    "SELECT coalesce(sum(calls), 0) FROM pg_stat_statements WHERE userid = 'sluice'::regrole;\n"
)
ANSWER_WITHIN_S = 5.0


class Statements:
    """Prompts on the databases that run."""

    def __init__(self, boxes: dict[str, str]) -> None:
        """The databases: their names, and the names of their boxes."""
        self._prompts = {name: _prompt(box) for name, box in boxes.items()}
        self._lost = False

    def count(self) -> dict[str, int] | None:
        """Statements of each server since its start.

        None from the first time on that one of them does not answer in time: its late answer would
        be taken for the next one's, and without it the others would say too little.
        """
        if self._lost:
            return None
        for prompt in self._prompts.values():
            _type(prompt)
        told = {}
        for name, prompt in self._prompts.items():
            number = _line(prompt)
            if number is None:
                self._lost = True
                return None
            told[name] = number
        return told

    def close(self) -> None:
        """Leave."""
        for prompt in self._prompts.values():
            _end(prompt)


@contextlib.contextmanager
def asked(boxes: dict[str, str]) -> Iterator[Statements]:
    """Prompts for the length of a block."""
    statements = Statements(boxes)
    try:
        yield statements
    finally:
        statements.close()


def _prompt(box: str) -> subprocess.Popen[str]:
    psql = ["psql", "-U", "postgres", "-d", "sluice", "-XAtq"]
    return subprocess.Popen(
        ["docker", "exec", "--interactive", box, *psql],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        bufsize=1,
    )


def _type(prompt: subprocess.Popen[str]) -> None:
    assert prompt.stdin is not None
    with contextlib.suppress(BrokenPipeError):
        prompt.stdin.write(QUESTION)
        prompt.stdin.flush()


def _line(prompt: subprocess.Popen[str]) -> int | None:
    assert prompt.stdout is not None
    ready, _, _ = select.select([prompt.stdout], [], [], ANSWER_WITHIN_S)
    line = prompt.stdout.readline().strip() if ready else ""
    return int(line) if line.isdecimal() else None


def _end(prompt: subprocess.Popen[str]) -> None:
    prompt.kill()
    prompt.communicate()
