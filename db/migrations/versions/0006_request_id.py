"""The id of the request that caused a job, so that the job's log lines can say it."""

from alembic import op

revision = "0006"
down_revision = "0004"


def upgrade() -> None:
    """Add it, unknown for what is there; that rewrites no row."""
    op.execute("ALTER TABLE outbox ADD COLUMN request_id text")


def downgrade() -> None:
    """Remove it."""
    op.execute("ALTER TABLE outbox DROP COLUMN request_id")
