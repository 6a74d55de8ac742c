"""All rows into the primary: in one transaction, so that whoever looks sees all of it or nothing.

Killed half-way, it leaves nothing behind and the next run loads everything; two runs at once
load it once.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import LiteralString

from psycopg import Connection, Cursor, sql

from db.seed.follows import Follow, follows
from db.seed.members import Member, members
from db.seed.posts import Post, posts
from db.seed.settings import Size

# Any number that nothing else in this database locks.
SEED_LOCK = 0x5EED

MEMBER_TYPES = ("int8", "text", "text", "text", "timestamptz", "timestamptz")
FOLLOW_TYPES = ("int8", "int8", "timestamptz")
POST_TYPES = ("int8", "int8", "text", "text", "int8", "timestamptz")


def load(connection: Connection, size: Size) -> str | None:
    """Load the data if there is none. Return None then, else what was found in its place.

    The comment on the table `posts` says what was loaded, as a part of the same transaction.
    Counting rows instead would cost more, and say little after the first sign-up.
    """
    with connection.transaction(), connection.cursor() as cursor:
        # The role's lock_timeout is for requests; a second run waits for the first one to end.
        cursor.execute("SET LOCAL lock_timeout = '10min'")
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", (SEED_LOCK,))
        if (found := _what_is_there(cursor)) is not None:
            return found
        # And once more behind the lock: a sign-up that came in between is not emptied away.
        cursor.execute("LOCK TABLE users, posts")
        if (found := _what_is_there(cursor)) is not None:
            return found
        _fill(cursor, size)
        return None


def _what_is_there(cursor: Cursor) -> str | None:
    cursor.execute(
        """
        SELECT coalesce(obj_description('posts'::regclass), 'rows of other origin')
         WHERE EXISTS (SELECT FROM users) OR EXISTS (SELECT FROM posts)
        """
    )
    row = cursor.fetchone()
    return None if row is None else str(row[0])


def _fill(cursor: Cursor, size: Size) -> None:
    # Emptying the empty tables lets COPY write rows that are frozen and known to be visible: no
    # vacuum has to come after it, and index-only scans work from the first request on. Not with
    # CASCADE: a table that refers to these must be named here by somebody who knows what it holds.
    cursor.execute("TRUNCATE users, posts, follows, notifications, uploads, avatars")
    community = list(members(size.members, size.seed))
    with _built_afterwards(cursor, "users"):
        _copy(cursor, "users", Member._fields, MEMBER_TYPES, community)
    with _built_afterwards(cursor, "posts"):
        _copy(cursor, "posts", Post._fields, POST_TYPES, posts(size.posts, community, size.seed))
    with _built_afterwards(cursor, "follows"):
        _copy(cursor, "follows", Follow._fields, FOLLOW_TYPES, follows(community, size.seed))
    for table, rows in (("users", size.members), ("posts", size.posts)):
        # Not setval(), which is not undone by a rollback.
        restart = sql.SQL("ALTER TABLE {} ALTER COLUMN id RESTART WITH {}")
        cursor.execute(restart.format(sql.Identifier(table), sql.Literal(rows + 1)))
    cursor.execute(sql.SQL("COMMENT ON TABLE posts IS {}").format(sql.Literal(str(size))))
    cursor.execute("ANALYZE users, posts, follows")


def _copy(
    cursor: Cursor,
    table: LiteralString,
    columns: Iterable[str],
    types: tuple[str, ...],
    rows: Iterable[tuple[object, ...]],
) -> None:
    names = sql.SQL(", ").join(map(sql.Identifier, columns))
    statement = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT binary, FREEZE)").format(
        sql.Identifier(table), names
    )
    with cursor.copy(statement) as copy:
        copy.set_types(types)
        for row in rows:
            copy.write_row(row)


@contextmanager
def _built_afterwards(cursor: Cursor, table: LiteralString) -> Iterator[None]:
    """Drop the table's foreign keys and plain indexes, and make them again when the rows are in.

    An index that is sorted once costs a fraction of 200,000 single inserts, and a foreign key is
    checked by one join instead of a query and a row lock for each row. Unique constraints stay.
    """
    cursor.execute(
        """
        SELECT format('ALTER TABLE %%s DROP CONSTRAINT %%I', conrelid::regclass, conname),
               format('ALTER TABLE %%s ADD CONSTRAINT %%I %%s',
                      conrelid::regclass, conname, pg_get_constraintdef(oid))
          FROM pg_constraint WHERE conrelid = %(table)s::regclass AND contype = 'f'
        UNION ALL
        SELECT format('DROP INDEX %%s', indexrelid::regclass), pg_get_indexdef(indexrelid)
          FROM pg_index WHERE indrelid = %(table)s::regclass
           AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid)
        """,
        {"table": table},
    )
    statements: list[tuple[str, str]] = cursor.fetchall()
    for drop, _ in statements:
        cursor.execute(drop.encode())
    yield
    for _, make in statements:
        cursor.execute(make.encode())
