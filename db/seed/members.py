"""The members: who they are, and since when."""

from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import chain
from typing import NamedTuple

from db.seed.language import Language
from db.seed.rhythm import BEGIN, moments
from db.seed.zipf import dice

# All members of the seed sign in with this password. One hash for all, computed once by Argon2id
# with the application's parameters (19 MiB, 2 passes, 1 lane): 20,000 of them would take minutes.
PASSWORD = "sluice-demo-password"  # noqa: S105
PASSWORD_HASH = (
    "$argon2id$v=19$m=19456,t=2,p=1$1gRdk13SrqIMk93BbkkE0w"  # noqa: S105
    "$zkenfRSwE+Tt/5wkdbcLHOTWsFQdkflV4Ukih8K81yY"
)

SHARE_OF_KOREAN = 0.6


class Member(NamedTuple):
    """One row of `users`, in the order of COLUMNS."""

    id: int
    email: str
    name: str
    password_hash: str
    created_at: datetime
    updated_at: datetime


def members(count: int, seed: int) -> Iterator[Member]:
    """Yield the members 1 … count, ascending in id and in time.

    Member N signs in as memberN@example.com, so that a load generator can be any of them knowing
    nothing but a number.
    """
    random = dice(seed, "members")
    korean, english = Language("ko"), Language("en")
    founded = BEGIN.astimezone(
        UTC
    )  # by member 1: so there is always somebody who can have written a post
    for member_id, joined in enumerate(
        chain([founded], moments(count - 1, dice(seed, "joined"))), start=1
    ):
        name = (korean if random() < SHARE_OF_KOREAN else english).person(random)
        yield Member(
            member_id, f"member{member_id}@example.com", name, PASSWORD_HASH, joined, joined
        )
