"""Avatars: what was uploaded and waits for the worker, and what was made of it."""

from alembic import op

revision = "0003"
down_revision = "0005"


def upgrade() -> None:
    """Create both tables, and say in `users` which avatar is shown."""
    # An upload is a row, so that it and its job are one transaction, and every worker can reach it.
    # Its content goes as soon as something was made of it or nothing ever can be; the row stays for
    # who asks how it ended.
    op.execute("""
        CREATE TABLE uploads (
            job_id      uuid PRIMARY KEY,
            member_id   bigint NOT NULL,
            content     bytea,
            created_at  timestamptz NOT NULL DEFAULT now(),
            finished_at timestamptz,
            reason      text,
            CONSTRAINT uploads_member_id_fkey
                FOREIGN KEY (member_id) REFERENCES users (id) ON DELETE CASCADE,
            CONSTRAINT uploads_content_size CHECK (octet_length(content) <= 5 * 1024 * 1024),
            CONSTRAINT uploads_content_until_finished
                CHECK (content IS NOT NULL OR finished_at IS NOT NULL),
            CONSTRAINT uploads_reason_when_finished
                CHECK (reason IS NULL OR finished_at IS NOT NULL)
        )
    """)
    # Pictures are compressed already: PostgreSQL need not try.
    op.execute("ALTER TABLE uploads ALTER COLUMN content SET STORAGE EXTERNAL")
    # A member's uploads: the ones that a later one replaces, and the old ones to forget.
    op.execute("CREATE INDEX uploads_member_id_job_id_idx ON uploads (member_id, job_id)")
    # Rows are written once and never changed: the hash names the content.
    op.execute("""
        CREATE TABLE avatars (
            hash      text NOT NULL,
            size      int NOT NULL,
            member_id bigint NOT NULL,
            content   bytea NOT NULL,
            CONSTRAINT avatars_pkey PRIMARY KEY (hash, size),
            CONSTRAINT avatars_member_id_fkey
                FOREIGN KEY (member_id) REFERENCES users (id) ON DELETE CASCADE,
            CONSTRAINT avatars_hash_shape CHECK (hash ~ '^[0-9a-f]{32}$'),
            CONSTRAINT avatars_content_size CHECK (octet_length(content) <= 512 * 1024)
        )
    """)
    op.execute("ALTER TABLE avatars ALTER COLUMN content SET STORAGE EXTERNAL")
    # A member's pictures: the ones before the last are removed when a new one is shown.
    op.execute("CREATE INDEX avatars_member_id_idx ON avatars (member_id)")
    # The hash of the avatar that is shown. A new column without a default touches no row.
    op.execute("ALTER TABLE users ADD COLUMN avatar text")


def downgrade() -> None:
    """Remove all of it, with the pictures."""
    op.execute("ALTER TABLE users DROP COLUMN avatar")
    op.execute("DROP TABLE avatars, uploads")
