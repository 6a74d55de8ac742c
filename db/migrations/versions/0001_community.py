"""Members, their posts, and the two tables that make jobs reliable.

Rules that hold for the data are constraints with names: whatever writes, they hold, and the app
tells them apart by name. Each index says which question it serves.
"""

from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create everything."""
    op.execute("CREATE EXTENSION IF NOT EXISTS pg_stat_statements")
    op.execute("""
        CREATE TABLE users (
            id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            email         text NOT NULL,
            name          text NOT NULL,
            password_hash text NOT NULL,
            created_at    timestamptz NOT NULL DEFAULT now(),
            updated_at    timestamptz NOT NULL DEFAULT now(),
            CONSTRAINT users_email_key UNIQUE (email),
            CONSTRAINT users_email_lower CHECK (email = lower(email)),
            CONSTRAINT users_name_length CHECK (char_length(name) BETWEEN 1 AND 80)
        )
    """)
    op.execute("""
        CREATE TABLE posts (
            id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            author_id  bigint NOT NULL,
            title      text NOT NULL,
            body       text NOT NULL,
            views      bigint NOT NULL DEFAULT 0,
            created_at timestamptz NOT NULL DEFAULT now(),
            CONSTRAINT posts_author_id_fkey
                FOREIGN KEY (author_id) REFERENCES users (id) ON DELETE CASCADE,
            CONSTRAINT posts_title_length CHECK (char_length(title) BETWEEN 1 AND 200),
            CONSTRAINT posts_body_length CHECK (char_length(body) BETWEEN 1 AND 10000),
            CONSTRAINT posts_views_positive CHECK (views >= 0)
        )
    """)
    # A member's posts, newest first, and their number: both from the index alone.
    op.execute("CREATE INDEX posts_author_id_id_idx ON posts (author_id, id DESC)")
    # The most viewed posts: the first entries.
    op.execute("CREATE INDEX posts_views_id_idx ON posts (views DESC, id DESC)")
    op.execute("""
        CREATE TABLE outbox (
            id         uuid PRIMARY KEY DEFAULT uuidv7(),
            kind       text NOT NULL,
            version    int NOT NULL,
            payload    jsonb NOT NULL,
            created_at timestamptz NOT NULL DEFAULT now(),
            sent_at    timestamptz
        )
    """)
    # What the relay has to send, oldest first (UUIDv7 is in the order of time). Small: sent rows
    # are not in it.
    op.execute("CREATE INDEX outbox_unsent_idx ON outbox (id) WHERE sent_at IS NULL")
    # The relay listens, so a job leaves within milliseconds after its commit.
    op.execute("""
        CREATE FUNCTION notify_outbox() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            NOTIFY outbox;
            RETURN NULL;
        END
        $$
    """)
    op.execute("""
        CREATE TRIGGER outbox_notify AFTER INSERT ON outbox
        FOR EACH STATEMENT EXECUTE FUNCTION notify_outbox()
    """)
    # The inbox: a job's effect happens once, however often the job is delivered.
    op.execute("""
        CREATE TABLE handled_jobs (
            job_id     uuid PRIMARY KEY,
            kind       text NOT NULL,
            handled_at timestamptz NOT NULL DEFAULT now()
        )
    """)


def downgrade() -> None:
    """Remove everything, with all data in it."""
    op.execute("DROP TABLE handled_jobs, outbox, posts, users")
    op.execute("DROP FUNCTION notify_outbox")
