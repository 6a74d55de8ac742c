"""Promises of `redis/redis.conf`, by a real Redis on a disk that syncs slowly."""

import socket
import time
from pathlib import Path
from typing import BinaryIO

from tests.system.waiting import eventually
from tests.unit.redis_server import RedisServer

ROOT = Path(__file__).parents[2]
# Each sync takes a second and a half longer. `-D`: the process is Redis', strace is its child.
SLOW_DISK = ("strace", "-D", "-f", "-qq", "-o", "/dev/null", "-e", "trace=fsync,fdatasync",
             "-e", "inject=fsync,fdatasync:delay_enter=1500000")  # fmt: skip
WRITING_S = 3.0


def count(line: socket.socket, answers: BinaryIO) -> int:
    """Count once; what Redis answers."""
    line.sendall(b"INCR counted\r\n")
    return int(answers.readline().removeprefix(b":"))


def test_a_killed_redis_has_lost_nothing_that_it_answered(tmp_path: Path) -> None:
    """Broken: views are lost, and an old answer comes back after its invalidation."""
    redis = RedisServer(
        tmp_path, "--appendonly", "yes",
        program=(*SLOW_DISK, "redis-server", str(ROOT / "redis/redis.conf")),
    )  # fmt: skip
    try:
        with (
            socket.create_connection(("127.0.0.1", redis.port), timeout=10) as line,
            line.makefile("rb") as answers,
        ):
            until = time.monotonic() + WRITING_S
            while time.monotonic() < until:
                answered = count(line, answers)
            redis.stop()
        redis.start()

        def kept() -> int:
            found = redis.ask("GET", "counted")
            assert isinstance(found, bytes), found  # or it says that it still reads its file
            return int(found)

        assert eventually(kept, within_s=20) == answered
    finally:
        redis.stop()
