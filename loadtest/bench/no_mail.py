"""The application with a sign-up that knows of no mail: the same insert without its job."""

from typing import Any

from app import __main__ as entry
from app import logs, users
from app import settings as environment
from app.outbox import Outbox

INSERT = """
INSERT INTO users (email, name, password_hash)
VALUES (%(email)s, %(name)s, %(password_hash)s)
RETURNING id, email, name, created_at
"""


async def nothing(*_: Any) -> None:
    """What there is to do after the commit."""


if __name__ == "__main__":
    setattr(users, "CREATE", INSERT)
    setattr(Outbox, "committed", nothing)
    found = environment.load()
    logs.start(found.log_level, service="web")
    entry.serve(found)
