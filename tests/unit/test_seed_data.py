"""Promises of the rows that `python -m db.seed` loads."""

from collections import Counter
from hashlib import sha256

import pytest
from argon2 import PasswordHasher, extract_parameters

from app.settings import Settings
from db.seed.follows import PER_MEMBER, follows
from db.seed.members import PASSWORD, PASSWORD_HASH, Member, members
from db.seed.posts import Post, posts
from db.seed.rhythm import BEGIN, END, SEOUL

SEED = 1


def community(member_count: int, post_count: int, seed: int) -> tuple[list[Member], list[Post]]:
    """A small community, generated as the big one is."""
    people = list(members(member_count, seed))
    return people, list(posts(post_count, people, seed))


@pytest.fixture(scope="module")
def data() -> tuple[list[Member], list[Post]]:
    """A tenth of the default size: large enough for laws of large numbers."""
    return community(2_000, 20_000, SEED)


def checksum(data: tuple[list[Member], list[Post]]) -> str:
    """One number for all rows."""
    digest = sha256()
    for rows in data:
        for row in rows:
            digest.update(repr(tuple(map(str, row))).encode())
    return digest.hexdigest()


def test_the_same_rows_on_every_machine_and_in_every_run() -> None:
    """Broken: two people measure on different data and compare the numbers.

    Who changes the words or the laws on purpose writes the new number here.
    """
    expected = "7104c835dfc63d3ec04596d64605883530dd853476989606871267bc49db955d"
    assert checksum(community(200, 1_000, SEED)) == expected


def test_another_seed_gives_other_rows() -> None:
    """Broken: SEED has no effect."""
    assert checksum(community(100, 200, 1)) != checksum(community(100, 200, 2))


@pytest.mark.parametrize(("member_count", "post_count"), [(100, 100), (101, 1_234), (1_000, 150)])
def test_as_many_rows_as_were_asked_for(member_count: int, post_count: int) -> None:
    """Broken: the identity sequence begins in the middle of the rows, and sign-ups fail."""
    people, written = community(member_count, post_count, SEED)
    assert [member.id for member in people] == list(range(1, member_count + 1))
    assert [post.id for post in written] == list(range(1, post_count + 1))


def test_a_few_posts_get_most_of_the_views(data: tuple[list[Member], list[Post]]) -> None:
    """Broken: every post is as popular as every other, and a cache of any size looks useless."""
    views = sorted((post.views for post in data[1]), reverse=True)
    assert sum(views[: len(views) // 100]) > 0.4 * sum(views)
    assert sum(views[: len(views) // 5]) > 0.7 * sum(views)
    assert views[len(views) // 2] < 20, "half of all posts are hardly read"
    assert len(set(views[:10])) == 10, "the most popular ten have an order"


def test_a_few_members_write_most_of_the_posts(data: tuple[list[Member], list[Post]]) -> None:
    """Broken: every member has ten posts, and the page of a busy one is never slow."""
    people, written = data
    counts = sorted(Counter(post.author_id for post in written).values(), reverse=True)
    assert sum(counts[: len(people) // 100]) > 0.15 * len(written)
    assert counts[0] < 0.1 * len(written), "but nobody writes everything"
    assert len(counts) < 0.95 * len(people), "and some have never written"


def test_a_few_words_are_used_most_of_the_time(data: tuple[list[Member], list[Post]]) -> None:
    """Broken: the texts are random letters, and compress and index unlike any text."""
    words = Counter(word for post in data[1] for word in post.body.split())
    common = sum(count for _, count in words.most_common(len(words) // 10))
    assert common > 0.4 * words.total()


def test_texts_differ(data: tuple[list[Member], list[Post]]) -> None:
    """Broken: the same handful of posts is repeated, as in a demo."""
    _, written = data
    assert len({post.title for post in written}) > 0.3 * len(written)
    assert len({post.body for post in written}) > 0.6 * len(written)


def test_time_goes_by_with_the_ids(data: tuple[list[Member], list[Post]]) -> None:
    """Broken: "newest first" by id and by time are two different lists."""
    for rows in data:
        moments = [row.created_at for row in rows]
        assert moments == sorted(moments)
        assert moments[0] >= BEGIN
        assert moments[-1] < END


def test_nobody_writes_before_joining(data: tuple[list[Member], list[Post]]) -> None:
    """Broken: a profile says "member since May" above a post from March."""
    people, written = data
    assert all(people[post.author_id - 1].created_at <= post.created_at for post in written)


def test_the_community_sleeps_at_night_and_grows(data: tuple[list[Member], list[Post]]) -> None:
    """Broken: a plot of posts by hour is a flat line."""
    moments = [post.created_at.astimezone(SEOUL) for post in data[1]]
    hours = Counter(moment.hour for moment in moments)
    days = Counter(moment.weekday() for moment in moments)
    assert hours[22] > 8 * hours[4]
    assert days[6] > 1.2 * days[1]
    middle = BEGIN + (END - BEGIN) / 2
    assert sum(moment >= middle for moment in moments) > 0.55 * len(moments)


def test_rows_keep_the_tables_constraints(data: tuple[list[Member], list[Post]]) -> None:
    """Broken: the load fails after minutes, at the one row that is too long."""
    people, written = data
    assert len({member.email for member in people}) == len(people)
    assert all(member.email == member.email.lower() for member in people)
    assert all(1 <= len(member.name) <= 80 for member in people)
    assert all(1 <= len(post.title) <= 200 for post in written)
    assert all(1 <= len(post.body) <= 10_000 for post in written)
    assert all(post.views >= 0 for post in written)


def test_a_few_are_followed_by_many_and_nobody_by_themselves(
    data: tuple[list[Member], list[Post]],
) -> None:
    """Broken: every fan-out is the same size, or the load fails at a constraint."""
    people = data[0]
    rows = list(follows(people, SEED))
    pairs = [(row.author_id, row.follower_id) for row in rows]
    assert pairs == sorted(set(pairs))
    assert all(author != follower for author, follower in pairs)
    assert all(row.created_at >= people[row.follower_id - 1].created_at for row in rows)
    assert all(row.created_at >= people[row.author_id - 1].created_at for row in rows)
    assert 0.8 * PER_MEMBER * len(people) < len(rows) <= PER_MEMBER * len(people)
    followers = Counter(author for author, _ in pairs).most_common()
    assert followers[0][1] > 10 * followers[len(followers) // 4][1]
    assert rows == list(follows(people, SEED)) != list(follows(people, SEED + 1))


def test_all_members_sign_in_with_the_documented_password(settings: Settings) -> None:
    """Broken: nobody can sign in, or every sign-in of a seed member rehashes and writes."""
    assert PasswordHasher().verify(PASSWORD_HASH, PASSWORD)
    used, asked = extract_parameters(PASSWORD_HASH), type(settings).model_fields
    assert used.memory_cost == asked["argon2_memory_kib"].default
    assert used.time_cost == asked["argon2_passes"].default
    assert used.parallelism == asked["argon2_lanes"].default
