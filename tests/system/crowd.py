"""Many requests at once, and what came back: for the tests that count."""

from __future__ import annotations

import json
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from threading import Event
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import httpx

from tests.system.stack import ENTRY, container, must

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import TracebackType

# A file that is not there: the cheapest answer that only a replica can give, and nothing stores.
CHEAP = "/static/nothing"


@dataclass
class Crowd:
    """Reads of profiles, and writes that change nothing, until the block ends."""

    readers: int = 6
    writers: int = 0
    reads: Counter[str] = field(default_factory=Counter)
    writes: Counter[str] = field(default_factory=Counter)

    def __enter__(self) -> Self:
        """Begin."""
        self._over = Event()
        self._pool = ThreadPoolExecutor(self.readers + self.writers)
        for n in range(self.readers):
            self._pool.submit(self._keep_asking, "GET", n, self.reads)
        for n in range(self.writers):
            self._pool.submit(self._keep_asking, "POST", n, self.writes)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End, after what is in hand."""
        self._over.set()
        self._pool.shutdown()

    def _keep_asking(self, method: str, number: int, told: Counter[str]) -> None:
        with httpx.Client(base_url=ENTRY, timeout=20) as client:
            asked = number
            while not self._over.is_set():
                asked += 7
                try:
                    # Wrong credentials: a POST that reaches a replica and does nothing.
                    answer = (
                        client.get(f"/api/users/{asked % 200 + 1}")
                        if method == "GET"
                        else client.post(
                            "/api/sessions", json={"email": "no@x.org", "password": "x" * 12}
                        )
                    )
                    told[str(answer.status_code)] += 1
                except httpx.HTTPError as error:
                    told[type(error).__name__] += 1


class Answer(NamedTuple):
    """What the balancer's answer to one request of the edge was. `replica` is empty if none did."""

    visitor: str
    status: int
    seconds: float
    replica: str


def through_the_edge(
    addresses: Iterable[str], *, each: int, to: str = CHEAP, at_once: int = 12
) -> list[Answer]:
    """Ask the balancer as the edge does, for visitors with these addresses.

    The edge is the only one that the balancer believes, so it is the edge's own box that asks.
    """
    urls = [(visitor, n) for n in range(each) for visitor in addresses]
    config = f"parallel\nparallel-max = {at_once}\n" + "\nnext\n".join(
        f'url = "http://lb:8090{to}"\noutput = "/dev/null"\nsilent\nmax-time = 20\n'
        f'header = "X-Forwarded-For: {visitor}"\nheader = "X-Edge-Key: KEY"\n'
        f'write-out = "{visitor} %{{http_code}} %{{time_total}} %header{{x-served-by}}\\n"'
        for visitor, n in urls
    )
    script = (
        'umask 077; sed "s/KEY/$EDGE_KEY/" >/tmp/asked && curl --config /tmp/asked; rm /tmp/asked'
    )
    printed = must("docker", "exec", "-i", container("edge"), "sh", "-c", script, typed=config)
    lines = (line.split(" ") for line in printed.splitlines())
    return [Answer(who, int(status), float(took), by) for who, status, took, by in lines]


def requests_at(service: str, path: str, *, since: str) -> list[dict[str, Any]]:
    """Return the lines of a proxy's access log for one path since a moment (RFC 3339)."""
    printed = must("docker", "logs", "--since", since, container(service))
    lines = [json.loads(line) for line in printed.splitlines() if line.startswith("{")]
    return [line for line in lines if line.get("path") == path]
