"""Promises of `app/logs.py`: lines leave soon, together, and none is lost at an end."""

import json
import subprocess
import sys

import pytest

START = """
import asyncio, os
from app import logs
logs.start("info", service="web")
log = logs.get()

async def work():
    for n in range(3):
        log.info("done", n=n)
    logs.request_answered(0.0, path="/")
"""
ENDS = {
    "by itself": "asyncio.run(work())",
    "by an error": """
async def fail():
    await work()
    raise SystemExit(3)
asyncio.run(fail())
""",
    # Nothing is written at this end: what is seen had left before.
    "at once, later": """
async def stay():
    await work()
    await asyncio.sleep(0.5)
    os._exit(0)
asyncio.run(stay())
""",
}


@pytest.mark.parametrize("end", ENDS)
def test_no_line_is_lost(end: str) -> None:
    """Broken: the last words of a process, which tell why it ended, are missing."""
    run = [sys.executable, "-c", START + ENDS[end]]
    done = subprocess.run(run, capture_output=True, text=True, check=False, timeout=60)
    assert done.stderr == ""
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert [line["event"] for line in lines] == [*["done"] * 3, "request_answered"]
    assert [line.get("n") for line in lines] == [0, 1, 2, None], "and in their order"
    assert {line["service"] for line in lines} == {"web"}
