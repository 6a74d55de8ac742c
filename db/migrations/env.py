"""How a migration runs: one at a time, on the primary, all or nothing."""

import sys

from alembic import context
from sqlalchemy import create_engine, text
from sqlalchemy.exc import OperationalError

from app import settings

# Held by the run that is at work; a second one waits for it and then finds nothing to do.
_ONE_AT_A_TIME = text("SELECT pg_advisory_xact_lock(hashtext('sluice migrations'))")
# A migration that waits for a lock holds up every statement that comes after it in the queue.
_LOCK_TIMEOUT = text("SET LOCAL lock_timeout = '10s'")

engine = create_engine(settings.load().primary_dsn, connect_args={"connect_timeout": 5})
try:
    with engine.begin() as connection:
        context.configure(connection=connection)
        connection.execute(_LOCK_TIMEOUT)
        connection.execute(_ONE_AT_A_TIME)
        with context.begin_transaction():
            context.run_migrations()
except OperationalError as error:
    # One line instead of a page: the server is away, or somebody holds a lock for too long.
    sys.exit(f"migrations: {error.orig}")
finally:
    engine.dispose()
