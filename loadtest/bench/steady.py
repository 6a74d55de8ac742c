"""Sign-ups at a steady rate on several servers at once: `steady COUNT RATE NAME=URL …`.

Runs in the box that sends load. Out, as JSON: for each server p50, p95 and p99 in milliseconds,
from the moment at which a sign-up was due to its whole answer, and how many failed.
"""

import json
import secrets
import statistics
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection, HTTPException
from urllib.parse import urlsplit

AT_A_TIME = 40  # of each server
CREATED = 201
TIMEOUT_S = 20


class Server:
    """One server, asked over connections that are kept."""

    def __init__(self, url: str) -> None:
        self._url = urlsplit(url)
        self._own = threading.local()
        self.seconds: list[float] = []
        self.failed = 0

    def sign_up(self, due: float) -> None:
        """Sign somebody up who has never been here."""
        body = {
            "email": f"{secrets.token_hex(8)}@bench.example",
            "name": "Ada Bench",
            "password": "a-long-password-of-a-bench",
        }
        try:
            status = self._post(json.dumps(body))
        except (OSError, HTTPException):
            status = 0
        if status == CREATED:
            self.seconds.append(time.monotonic() - due)
        else:
            self.failed += 1

    def _post(self, body: str) -> int:
        line = getattr(self._own, "line", None)
        if line is None:
            line = self._own.line = HTTPConnection(self._url.netloc, timeout=TIMEOUT_S)
        line.request("POST", self._url.path, body, {"content-type": "application/json"})
        answer = line.getresponse()
        answer.read()
        return int(answer.status)

    def figures(self) -> dict[str, float]:
        """What came of it."""
        parts = statistics.quantiles(self.seconds, n=100)
        shares = {f"p{n}_ms": round(parts[n - 1] * 1000, 2) for n in (50, 95, 99)}
        return {**shares, "answered": len(self.seconds), "failed": self.failed}


def main(count: int, rate: float, *named: str) -> None:
    """Send to each in turn, so that all meet the same moments of the machine."""
    servers = {name: Server(url) for name, url in (each.split("=", 1) for each in named)}
    pause = threading.Event()
    with ThreadPoolExecutor(AT_A_TIME * len(servers)) as visitors:
        began = time.monotonic()
        for number in range(count):
            for place, server in enumerate(servers.values()):
                due = began + (number + place / len(servers)) / rate
                pause.wait(max(0.0, due - time.monotonic()))
                visitors.submit(server.sign_up, due)
    print(json.dumps({name: server.figures() for name, server in servers.items()}))


if __name__ == "__main__":
    main(int(sys.argv[1]), float(sys.argv[2]), *sys.argv[3:])
