"""Promises of `app/architecture.py`: it names what is there, and no secret."""

from app import architecture
from app.architecture import Architecture
from app.settings import Settings

READERS = "host=replica-1,replica-2,primary&port=5432,5432,5432&target_session_attrs=prefer-standby"


def test_one_database_is_all_there_is() -> None:
    """Broken: the site draws parts that this stage does not have."""
    told = architecture.describe(
        Settings(primary_dsn="postgresql+psycopg://sluice:secret@primary:5432/sluice")
    )
    assert told == Architecture(primary="primary", replicas=[], cache=None, broker=None, mail=None)


def test_every_part_is_named_and_no_password() -> None:
    """Broken: a part is missing in the picture, or the address of one is told with its password."""
    settings = Settings.model_validate(
        {
            "primary_dsn": "postgresql+psycopg://sluice:secret@primary:5432/sluice",
            "replica_dsn": f"postgresql+psycopg://sluice:secret@/sluice?{READERS}",
            "cache_url": "redis://:secret@redis:6379/0",
            "broker_url": "amqp://sluice:secret@rabbitmq:5672/%2f",
            "smtp_url": "smtp://mail:1025",
        }
    )
    told = architecture.describe(settings)
    assert told == Architecture(
        primary="primary",
        replicas=["replica-1", "replica-2"],
        cache="redis",
        broker="rabbitmq",
        mail="mail",
    )
    assert "secret" not in told.model_dump_json()
