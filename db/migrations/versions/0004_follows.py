"""Members follow members, and are notified of what those write."""

from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Create both tables, and remember in `users` how far a member has read."""
    # The primary key serves two questions: does A follow B, and who follows B, in the order of ids
    # (the fan-out goes through them in chunks).
    op.execute("""
        CREATE TABLE follows (
            author_id   bigint NOT NULL,
            follower_id bigint NOT NULL,
            created_at  timestamptz NOT NULL DEFAULT now(),
            CONSTRAINT follows_pkey PRIMARY KEY (author_id, follower_id),
            CONSTRAINT follows_author_id_fkey
                FOREIGN KEY (author_id) REFERENCES users (id) ON DELETE CASCADE,
            CONSTRAINT follows_follower_id_fkey
                FOREIGN KEY (follower_id) REFERENCES users (id) ON DELETE CASCADE,
            CONSTRAINT follows_not_oneself CHECK (author_id <> follower_id)
        )
    """)
    # Whom a member follows: asked when a member is deleted.
    op.execute("CREATE INDEX follows_follower_id_idx ON follows (follower_id)")
    # The primary key is the inbox: a member's notifications, newest first, and those not read yet.
    # The other constraint makes a fan-out that is done again change nothing.
    op.execute("""
        CREATE TABLE notifications (
            member_id  bigint NOT NULL,
            id         bigint GENERATED ALWAYS AS IDENTITY,
            kind       text NOT NULL,
            post_id    bigint NOT NULL,
            created_at timestamptz NOT NULL DEFAULT now(),
            CONSTRAINT notifications_pkey PRIMARY KEY (member_id, id),
            CONSTRAINT notifications_post_id_member_id_key UNIQUE (post_id, member_id),
            CONSTRAINT notifications_member_id_fkey
                FOREIGN KEY (member_id) REFERENCES users (id) ON DELETE CASCADE,
            CONSTRAINT notifications_post_id_fkey
                FOREIGN KEY (post_id) REFERENCES posts (id) ON DELETE CASCADE,
            CONSTRAINT notifications_kind_known CHECK (kind IN ('new_post'))
        )
    """)
    # Everything up to this id was read. One number for a member instead of a flag in each row:
    # "all read" is then one small update. (A constant default touches no row.)
    op.execute("ALTER TABLE users ADD COLUMN notifications_read bigint NOT NULL DEFAULT 0")


def downgrade() -> None:
    """Remove all of it."""
    op.execute("ALTER TABLE users DROP COLUMN notifications_read")
    op.execute("DROP TABLE notifications, follows")
