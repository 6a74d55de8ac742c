"""Migrate in two phases, so that old and new code work side by side: `python -m db.migrate PHASE`.

- `expand`, before a deploy: the pending revisions up to the first one that is marked. They add what
  the new code needs and break nothing for the old.
- `contract`, after it: all pending revisions. A revision that takes away what the code before it
  uses says so in its file: `contract = True`.

A database that is ahead of this code, after a way back to an older version, is left as it is.
"""

import sys
from itertools import takewhile
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import Script, ScriptDirectory
from sqlalchemy import create_engine
from sqlalchemy.exc import OperationalError

from app import settings


def pending(scripts: ScriptDirectory, current: str | None) -> list[Script]:
    """The revisions that the database does not have yet, in their order."""
    known = {script.revision for script in scripts.walk_revisions()}
    if current is not None and current not in known:
        print(f"migrations: the database is ahead of this code ({current}), nothing is done")
        return []
    return list(scripts.iterate_revisions("head", current or "base"))[::-1]


def expanding(revisions: list[Script]) -> list[Script]:
    """Those that can be done while the code before them still runs."""
    return list(takewhile(lambda each: not getattr(each.module, "contract", False), revisions))


def current_revision() -> str | None:
    """The revision that the database is at."""
    engine = create_engine(settings.load().primary_dsn, connect_args={"connect_timeout": 5})
    try:
        with engine.connect() as connection:
            return MigrationContext.configure(connection).get_current_revision()
    except OperationalError as error:
        sys.exit(f"migrations: {error.orig}")
    finally:
        engine.dispose()


def main(phase: str) -> None:
    """Do one phase and say what was done."""
    config = Config(str(Path(__file__).with_name("alembic.ini")))
    todo = pending(ScriptDirectory.from_config(config), current_revision())
    chosen = expanding(todo) if phase == "expand" else todo
    if chosen:
        command.upgrade(config, chosen[-1].revision)
    done, left = ([each.revision for each in some] for some in (chosen, todo[len(chosen) :]))
    print(f"migrations: {phase}: {', '.join(done) or 'nothing to do'}")
    if left:
        print(f"migrations: {', '.join(left)} wait for `make contract`, after the deploy")


if __name__ == "__main__":
    match sys.argv[1:]:
        case [("expand" | "contract") as asked]:
            main(asked)
        case _:
            sys.exit("usage: python -m db.migrate expand|contract")
