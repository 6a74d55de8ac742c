"""What the unit tests share."""

import pytest

from app.settings import Settings


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
