"""Promises of `app/settings.py`."""

import pytest
from pydantic import ValidationError

from app import settings

DSN = "postgresql+psycopg://sluice@primary/sluice"


def test_an_empty_variable_is_one_that_is_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    """Broken: at stage 1 the app tries to reach a cache whose address is an empty string."""
    monkeypatch.setenv("PRIMARY_DSN", DSN)
    for name in ("REPLICA_DSN", "CACHE_URL", "BROKER_URL", "SMTP_URL", "SESSION_KEYS"):
        monkeypatch.setenv(name, "")
    found = settings.load()
    assert found.replica_dsn is None
    assert found.cache_url is None
    assert found.broker_url is None
    assert found.smtp_url is None
    assert found.session_keys is None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PRIMARY_DSN", "mysql://sluice@primary/sluice"),
        ("CACHE_URL", "http://redis"),
        ("BROKER_URL", "redis://rabbitmq"),
        ("SMTP_URL", "mail:1025"),
        ("LOG_LEVEL", "loud"),
        ("DB_POOL_SIZE", "0"),
        ("CACHE_TTL_JITTER", "1"),
        ("CACHE_ABSENT_TTL_S", "-1"),
        ("PUBLIC_PORT", "70000"),
        ("JOB_RETRY_S", "5,soon"),
        ("JOB_RETRY_S", "5,-1"),
        ("WORKER_AT_A_TIME", "welcome_email=-1"),
    ],
)
def test_a_wrong_value_ends_the_start_and_names_the_setting(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    """Broken: a typing error is found when the first request needs the part, not at the start."""
    monkeypatch.setenv("PRIMARY_DSN", DSN)
    monkeypatch.setenv(name, value)
    with pytest.raises(ValidationError, match=name.lower()):
        settings.load()


def test_without_a_primary_nothing_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Broken: a process without a database looks healthy."""
    monkeypatch.delenv("PRIMARY_DSN", raising=False)
    with pytest.raises(ValidationError, match="primary_dsn"):
        settings.load()


def test_the_pools_of_all_replicas_fit_into_the_primary() -> None:
    """Broken: at stage 5, with every database replica down, connections are refused."""
    found = settings.Settings(primary_dsn=DSN)
    web_replicas_in_a_deploy = 4
    writers, readers, watch = found.db_pool_size, found.db_pool_size, 1
    web = web_replicas_in_a_deploy * (writers + readers + watch)
    worker_and_relay, monitoring_and_replication, kept_for_the_owner = 10, 8, 3
    others = worker_and_relay + monitoring_and_replication + kept_for_the_owner
    assert (web, web + others) == (4 * 17, 89), "as app/settings.py reckons"
    assert web + others <= 100
