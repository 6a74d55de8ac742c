"""Promises of `app/logs.py`: lines leave soon, together, and none is lost at an end."""

import json
import subprocess
import sys

import pytest

START = """
import asyncio, os
from app import logs, timing
logs.start("info", service="web")
log = logs.get()

async def work():
    for n in range(3):
        log.info("done", n=n)
    record = timing.Record()
    record.kind, record.path, record.seconds = ("GET", "(none)", 200, None), "/", 0.0
    logs.requests_answered([record], 0.0)
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


def test_a_line_says_whose_it_is() -> None:
    """Broken: what went wrong in one request cannot be told from what went wrong in another."""
    start = START.replace('service="web"', 'service="web", stage="4"')
    work = """
from app import timing
async def request(number):
    timing.begin(number)
    log.warning("cache_paused")
async def job():
    logs.carry(job="j-1", request_id=None)
    log.info("job_done")
async def all_of_it():
    await asyncio.gather(asyncio.create_task(request(b"r-1")), asyncio.create_task(request(b"r-2")))
    await asyncio.create_task(job())
    log.info("working_ended")
asyncio.run(all_of_it())
"""
    run = [sys.executable, "-c", start + work]
    done = subprocess.run(run, capture_output=True, text=True, check=True, timeout=60)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert [line.get("request_id") for line in lines] == ["r-1", "r-2", None, None]
    assert [line.get("job") for line in lines] == [None, None, "j-1", None]
    assert {(line["service"], line["stage"]) for line in lines} == {("web", "4")}
    assert all(line["level"] and line["time"].endswith("Z") for line in lines)
