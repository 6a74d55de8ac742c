"""The posts: who wrote them, what they say, and how often they were read."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import NamedTuple

from db.seed.language import Language
from db.seed.members import Member
from db.seed.rhythm import moments
from db.seed.zipf import Ranked, dice

# Without it, by Zipf's pure law, the first of 20,000 members would write every tenth post.
AUTHOR_SHIFT = 4
# A post in the middle is read twice as often as the least read one, the most read of N posts
# about N times as often.
LEAST_VIEWS = 5
MOST_VIEWS = 2_000_000


class Post(NamedTuple):
    """One row of `posts`."""

    id: int
    author_id: int
    title: str
    body: str
    views: int
    created_at: datetime


def posts(count: int, members: Sequence[Member], seed: int) -> Iterator[Post]:
    """Yield the posts 1 … count, ascending in id and in time, written by members of that time."""
    random, author_dice, view_dice = dice(seed, "posts"), dice(seed, "authors"), dice(seed, "views")
    languages = {True: Language("ko"), False: Language("en")}
    authors = Ranked(sorted(members, key=lambda _: author_dice()), AUTHOR_SHIFT)
    joined = 0
    for post_id, written in enumerate(moments(count, dice(seed, "written")), start=1):
        while joined < len(members) and members[joined].created_at <= written:
            joined += 1
        author = authors.draw(author_dice)
        if (
            author.id > joined
        ):  # not there yet: somebody who was takes the place, always the same one
            author = members[author.id % joined]
        title, body = languages[_is_korean(author.name)].post(random)
        # The k-th smallest of N random numbers is about k / N. One over it is Zipf's law by rank,
        # also known as a Pareto distribution with exponent 1.
        views = min(int(LEAST_VIEWS / (1 - view_dice())), MOST_VIEWS)
        yield Post(post_id, author.id, title, body, views, written)


def _is_korean(name: str) -> bool:
    return not name.isascii()
