"""${message}."""

from alembic import op

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}


def upgrade() -> None:
    """Go forward."""
    op.execute("""""")


def downgrade() -> None:
    """Go back."""
    op.execute("""""")
