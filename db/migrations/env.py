"""How a migration runs: one at a time, on the primary, all or nothing."""

import sys

from alembic import context
from psycopg.errors import LockNotAvailable
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.exc import OperationalError

from app import settings

# Held by the run that is at work; a second one waits for it and then finds nothing to do.
_ONE_AT_A_TIME = text("SELECT pg_advisory_xact_lock(hashtext('sluice migrations'))")
# A migration that waits for a table holds up every statement that comes after it in the queue, so
# it gives up sooner than these do (db_lock_timeout_ms), lets them pass, and tries again.
_LOCK_TIMEOUT = text("SET LOCAL lock_timeout = '500ms'")
_TRIES = 60


def migrate(engine: Engine) -> None:
    """Run the migrations in one transaction."""
    with engine.begin() as connection:
        context.configure(connection=connection)
        connection.execute(_ONE_AT_A_TIME)
        connection.execute(_LOCK_TIMEOUT)
        with context.begin_transaction():
            context.run_migrations()


engine = create_engine(settings.load().primary_dsn, connect_args={"connect_timeout": 5})
for tries_left in reversed(range(_TRIES)):
    try:
        migrate(engine)
        break
    except OperationalError as error:
        if tries_left and isinstance(error.orig, LockNotAvailable):
            continue
        # One line instead of a page: the server is away, or somebody holds a lock for too long.
        sys.exit(f"migrations: {error.orig}")
    finally:
        engine.dispose()
