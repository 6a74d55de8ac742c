"""Stories of web replicas that share one Redis, told in one event loop."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from prometheus_client import REGISTRY

from app.cache import Cache, connect
from app.settings import Settings

KEY = "user:1"
TTL_S = 3600.0
PATIENCE_S = 20.0


class Source:
    """A database with one value. `loads` says at which positions it was asked; `pause` holds loads
    up; `trouble` is what they end with.
    """

    def __init__(self, value: bytes | None = b"{}") -> None:
        self.value = value
        self.loads: list[int] = []
        self.trouble: Exception | None = None
        self.pause = asyncio.Event()
        self.pause.set()

    async def load(self, after: int) -> bytes | None:
        """The value at the time of asking, told later."""
        self.loads.append(after)
        value = self.value
        await self.pause.wait()
        if self.trouble:
            raise self.trouble
        return value

    def read(self, cache: Cache, **options: Any) -> Any:
        """Read the key through this cache."""
        return cache.get(KEY, self.load, **{"ttl_s": TTL_S, **options})


def tell(settings: Settings, story: Callable[..., Awaitable[None]], *, replicas: int = 1) -> None:
    """Tell a story of so many web replicas, each with a cache and a line of its own."""

    async def whole() -> None:
        caches = [Cache(connect(settings), settings) for _ in range(replicas)]
        try:
            async with asyncio.timeout(60):
                await story(*caches)
        finally:
            for cache in caches:
                await cache.close()

    asyncio.run(whole())


async def until(check: Callable[[], object]) -> None:
    """Return as soon as it holds."""
    async with asyncio.timeout(PATIENCE_S):
        while not check():  # noqa: ASYNC110 - what is waited for is in another process
            await asyncio.sleep(0.005)


def counted(name: str, **labels: str) -> float:
    """What a metric says."""
    return REGISTRY.get_sample_value(name, labels) or 0.0
