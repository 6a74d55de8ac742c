"""Who follows whom: a few are followed by many, by Zipf's law, and most by somebody."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import NamedTuple

from db.seed.members import Member
from db.seed.zipf import Ranked, dice

# On average; the number of follows is that of the members times this.
PER_MEMBER = 5
# As with the authors of posts: without it one member would be followed by every tenth.
SHIFT = 4


class Follow(NamedTuple):
    """One row of `follows`."""

    author_id: int
    follower_id: int
    created_at: datetime


def follows(members: Sequence[Member], seed: int) -> Iterator[Follow]:
    """Yield each follow once, in the order of the primary key; nobody follows themselves.

    The members who write most are not those who are followed most: another dice ranks them.
    """
    rank_dice, random = dice(seed, "followed"), dice(seed, "follows")
    followed = Ranked(sorted(members, key=lambda _: rank_dice()), SHIFT)
    pairs = {
        (followed.draw(random).id, follower.id) for follower in members for _ in range(PER_MEMBER)
    }
    for author_id, follower_id in sorted(pairs):
        if author_id != follower_id:
            # Members are ascending in time as in id: the younger of the two was there last.
            since = members[max(author_id, follower_id) - 1].created_at
            yield Follow(author_id, follower_id, since)
