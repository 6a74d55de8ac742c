"""More than the database can do: connections stay few, waits short, and then all is well."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING

import httpx
import pytest

from tests.system.stack import ENTRY, must, sql
from tests.system.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.usefixtures("stage_5")

READERS = 150
LOCKED_S = 6
SERVERS = ("primary", "replica-1", "replica-2")
# The connections of each web replica, by pool. Its watch has one of its own.
CONNECTIONS = """
SELECT coalesce(max(n), 0) FROM (
    SELECT count(*) AS n FROM pg_stat_activity
    WHERE application_name IN ('sluice-reader', 'sluice-writer')
    GROUP BY client_addr, application_name
) AS held
"""
HELD = """
SELECT count(*) FROM pg_locks
WHERE relation = 'users'::regclass AND mode = 'AccessExclusiveLock' AND granted
"""


def pool_size() -> int:
    """Return what the application's settings say."""
    told = must("bin/compose", "exec", "--no-TTY", "web", "python", "-c",
                "from app import settings; print(settings.load().db_pool_size)")  # fmt: skip
    return int(told)


@contextmanager
def nobody_gets_at_members() -> Iterator[None]:
    """Lock the members' table on the primary; replay takes the lock to the replicas."""
    lock = f"BEGIN; LOCK users IN ACCESS EXCLUSIVE MODE; SELECT pg_sleep({LOCKED_S}); COMMIT"
    locking = threading.Thread(target=sql, args=(lock,))
    locking.start()

    def locked() -> None:
        # A lock alone flushes no log: a log writer at rest would keep it from the replicas for 5 s.
        sql("SELECT pg_logical_emit_message(true, 'test', 'flush')")
        assert [sql(HELD, server) for server in SERVERS] == ["1"] * 3

    eventually(locked, within_s=LOCKED_S, every_s=0.05)
    yield
    locking.join()


def test_a_database_that_stands_still_gets_no_more_connections_and_nobody_waits_for_long() -> None:
    """Broken: a moment of slowness opens connections until the database has none left, and the
    requests that piled up keep it busy long after everybody has given up on them.
    """
    size = pool_size()
    most = 0
    over = threading.Event()

    def watch() -> None:
        nonlocal most
        while not over.wait(0.2):
            most = max(most, *(int(sql(CONNECTIONS, server)) for server in SERVERS))

    def visit(member: int) -> httpx.Response:
        return httpx.get(f"{ENTRY}/api/users/{member}", timeout=LOCKED_S)

    watching = threading.Thread(target=watch)
    with nobody_gets_at_members(), ThreadPoolExecutor(READERS) as visitors:
        watching.start()
        # Each asks for somebody else, whom nobody has asked for before.
        answers = list(visitors.map(visit, range(9001, 9001 + READERS)))
    over.set()
    watching.join()
    refused = [answer for answer in answers if answer.status_code == 503]
    print(f"{len(refused)} of {READERS} refused; at most {most} connections of {size} a pool")
    assert len(refused) > READERS / 2
    assert all(answer.headers["retry-after"] == "1" for answer in refused)
    assert {answer.status_code for answer in answers} <= {200, 503}
    assert 1 <= most <= size

    def well() -> None:
        assert visit(9001).status_code == 200

    eventually(well, within_s=10)
