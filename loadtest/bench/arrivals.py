"""Reads that arrive at a rate, whether or not answers come back: `arrivals RATE SECONDS URL`.

Runs in the box that sends load. Each asks for a member by chance. Out, as JSON: how many were good
(200 within `GOOD_WITHIN_S` of the moment at which they were due), turned away (503), late, or
failed, and by how much the sender itself was behind at its worst: above `BEHIND_MAX_S` the figures
say more about it than about the server.
"""

import asyncio
import json
import random
import sys
import time
from urllib.parse import urlsplit

GOOD_WITHIN_S = 1.0
GIVEN_UP_S = 5.0
BEHIND_MAX_S = 0.1
MEMBERS = 20_000
OK, TURNED_AWAY = b"200", b"503"

Line = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Sender:
    """Asks over connections that are kept; opens one more when all are in use."""

    def __init__(self, url: str) -> None:
        where = urlsplit(url)
        self._host, self._port = where.hostname or "", where.port or 80
        self._idle: list[Line] = []
        self.told = {"good": 0, "late": 0, "turned_away": 0, "failed": 0}

    async def ask(self, due: float) -> None:
        """One read."""
        try:
            async with asyncio.timeout(GIVEN_UP_S):
                status = await self.get(f"/api/users/{random.randint(1, MEMBERS)}")
        except (OSError, asyncio.IncompleteReadError, TimeoutError):
            self.told["failed"] += 1
            return
        if status == TURNED_AWAY:
            self.told["turned_away"] += 1
        elif status != OK:
            self.told["failed"] += 1
        elif time.monotonic() - due <= GOOD_WITHIN_S:
            self.told["good"] += 1
        else:
            self.told["late"] += 1

    async def get(self, path: str) -> bytes:
        """The status of one answer, read to its end."""
        line = self._idle.pop() if self._idle else await self._open()
        reader, writer = line
        try:
            writer.write(f"GET {path} HTTP/1.1\r\nHost: {self._host}\r\n\r\n".encode())
            head = await reader.readuntil(b"\r\n\r\n")
            fields = head.lower()
            size = int(fields.partition(b"content-length:")[2].partition(b"\r\n")[0])
            await reader.readexactly(size)
        except BaseException:
            writer.close()
            raise
        if b"connection: close" in fields:
            writer.close()
        else:
            self._idle.append(line)
        return head[9:12]

    async def connect(self) -> None:
        """Have one more connection open before it is needed."""
        self._idle.append(await self._open())

    async def _open(self) -> Line:
        return await asyncio.open_connection(self._host, self._port)


async def main(rate: float, seconds: float, url: str) -> None:
    """Send, and wait for the last answer."""
    sender, behind = Sender(url), 0.0
    began = time.monotonic()
    async with asyncio.TaskGroup() as visitors:
        for number in range(int(rate * seconds)):
            due = began + number / rate
            if (early := due - time.monotonic()) > 0:
                await asyncio.sleep(early)
            behind = max(behind, time.monotonic() - due)
            visitors.create_task(sender.ask(due))
    told = {**sender.told, "behind_s": round(behind, 3), "usable": behind <= BEHIND_MAX_S}
    print(json.dumps(told))


if __name__ == "__main__":
    asyncio.run(main(float(sys.argv[1]), float(sys.argv[2]), sys.argv[3]))
