"""What the unit tests share."""

from collections.abc import Iterator

import pytest

from app.settings import Settings
from tests.unit.redis_server import RedisServer


@pytest.fixture
def settings() -> Settings:
    """Settings of a process without replicas, cache and broker."""
    return Settings(
        primary_dsn="postgresql+psycopg://sluice@primary/sluice",
        session_keys="newest, older",
        # A hash that takes no time: what is tested is who is let in, not how long it takes.
        argon2_memory_kib=8,
        argon2_passes=1,
    )


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """One Redis for all tests."""
    server = RedisServer(tmp_path_factory.mktemp("redis"))
    yield server
    server.stop()


@pytest.fixture
def redis(redis_server: RedisServer) -> Iterator[RedisServer]:
    """Redis, empty. A test may pause it, and need not resume it."""
    redis_server.ask("FLUSHALL")
    yield redis_server
    redis_server.resume()
