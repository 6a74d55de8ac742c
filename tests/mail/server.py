"""A mail server that keeps what it takes, and misbehaves as asked: `python -m tests.mail.server`.

It answers "250" only after the mail is a line of its journal, so a mail that it took outlives its
own death by SIGKILL (RFC 5321, 6.1: with 250 it takes the responsibility). A line is JSON:
`{"at": seconds since 1970, "id": Message-ID, "to": address}`. The file MOOD beside the journal says
how it behaves from the next mail on: `{"refuse": 0.3, "hang": 0.05, "forever": false, "slow_s":
0.1}`; without it, well.
"""

import asyncio
import json
import os
import random
import time
from email import message_from_bytes
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP, Envelope, Session

HANG_S = 60.0


class Journal:
    """What becomes of a mail: aiosmtpd calls `handle_DATA` when it is whole."""

    def __init__(self, folder: Path, seed: int) -> None:
        self._lines = folder / "mails.jsonl"
        self._mood = folder / "mood.json"
        self._chance = random.Random(seed)

    async def handle_DATA(  # noqa: N802 - aiosmtpd's name
        self, _server: SMTP, _session: Session, envelope: Envelope
    ) -> str:
        """Take the mail, or do not; → the answer."""
        mood = self._read_mood()
        await asyncio.sleep(mood.get("slow_s", 0))
        if mood.get("forever"):
            return "550 no such box"
        chance = self._chance.random()
        if chance < mood.get("refuse", 0):
            return "451 try again later"
        if chance < mood.get("refuse", 0) + mood.get("hang", 0):
            await asyncio.sleep(HANG_S)
            return "421 too late"
        self._keep(envelope)
        return "250 kept"

    def _read_mood(self) -> dict[str, Any]:
        try:
            mood: dict[str, Any] = json.loads(self._mood.read_text())
        except FileNotFoundError:
            return {}
        return mood

    def _keep(self, envelope: Envelope) -> None:
        content = envelope.content
        assert isinstance(content, bytes)
        mail = message_from_bytes(content)
        line = {"at": time.time(), "id": mail["Message-ID"], "to": envelope.rcpt_tos[0]}
        # One write of one line: a kill leaves all of it or nothing.
        with self._lines.open("a") as lines:
            lines.write(json.dumps(line) + "\n")


async def serve(folder: Path, port: int, seed: int) -> None:
    """Serve until killed."""
    journal = Journal(folder, seed)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(journal, enable_SMTPUTF8=True), "0.0.0.0", port)  # noqa: S104
    await server.serve_forever()


if __name__ == "__main__":
    folder = Path(os.environ.get("MAIL_FOLDER", "/mail"))
    asyncio.run(serve(folder, int(os.environ.get("MAIL_PORT", "1025")), time.time_ns()))
