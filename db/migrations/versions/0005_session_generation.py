"""Log out everywhere: the generation of a member's sessions that counts."""

from alembic import op

revision = "0005"
down_revision = "0001"


def upgrade() -> None:
    """Add it; a constant default rewrites no row."""
    op.execute("ALTER TABLE users ADD COLUMN session_generation int NOT NULL DEFAULT 0")


def downgrade() -> None:
    """Remove it; sessions that were logged out everywhere count again."""
    op.execute("ALTER TABLE users DROP COLUMN session_generation")
