"""A real Redis for the tests: Debian's server, as a process of ours, without files unless told."""

import signal
import socket
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import hiredis

from tests.system.waiting import eventually


class RedisServer:
    """Listens on a free port of 127.0.0.1 until `stop`."""

    def __init__(
        self, folder: Path, *options: str, program: Sequence[str] = ("redis-server",)
    ) -> None:
        """`program` is what runs it, with a file of settings if it has one."""
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port: int = free.getsockname()[1]
        self.url = f"redis://127.0.0.1:{self.port}/0"
        where = ["--port", str(self.port), "--bind", "127.0.0.1"]
        files = ["--save", "", "--appendonly", "no", "--logfile", "redis.log"]
        self._command = [*program, *where, *files, *options]
        self._folder = folder
        self.start()

    def start(self) -> None:
        """Begin, with what its files have."""
        self._process = subprocess.Popen(self._command, cwd=self._folder)
        eventually(self._answers, within_s=20, every_s=0.02)

    def stop(self) -> None:
        """End at once, as in a crash."""
        self._process.kill()
        self._process.wait()

    def pause(self) -> None:
        """Fall silent: connections stay open, and nothing is answered."""
        self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Go on."""
        self._process.send_signal(signal.SIGCONT)

    def ask(self, *words: str | bytes | float) -> Any:
        """What it answers to this, on a connection of its own."""
        reader = hiredis.Reader()
        with socket.create_connection(("127.0.0.1", self.port), timeout=10) as line:
            line.sendall(hiredis.pack_command(cast("Any", words)))
            while (answer := reader.gets()) is False:
                got = line.recv(65_536)
                if not got:
                    raise ConnectionError("closed")
                reader.feed(got)
        return answer

    def _answers(self) -> None:
        try:
            answer = self.ask("PING")
        except OSError as error:
            raise AssertionError("does not listen") from error
        assert isinstance(answer, hiredis.ReplyError) or answer == b"PONG", answer
