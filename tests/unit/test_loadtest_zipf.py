"""The crowd's taste: a few things often, most of them rarely, and the same ones in every run."""

from collections import Counter
from random import Random

import pytest

from loadtest.zipf import Zipf


@pytest.mark.parametrize("n", [1, 2, 3, 10, 1000])
def test_every_id_has_one_rank(n: int) -> None:
    """Broken: some member is never asked for, another twice as often as the law says."""
    assert sorted(Zipf(n).id_of(rank) for rank in range(1, n + 1)) == list(range(1, n + 1))


def test_ranks_follow_the_law() -> None:
    """Broken: the cache is asked for fewer or more different things than in a real community."""
    draws, n, dice = 200_000, 1000, Random(1)
    counts = Counter(Zipf(n).rank(dice) for _ in range(draws))
    harmonic = sum(1 / rank for rank in range(1, n + 1))
    for rank in (1, 2, 3, 10, 100):
        expected = draws / rank / harmonic
        assert counts[rank] == pytest.approx(expected, abs=5 * expected**0.5), rank
    tail = sum(counts[rank] for rank in range(501, n + 1))
    expected = draws * sum(1 / rank for rank in range(501, n + 1)) / harmonic
    assert tail == pytest.approx(expected, abs=5 * expected**0.5)


@pytest.mark.parametrize("n", [1, 2, 20_000, 10_000_000])
def test_ids_are_those_of_the_data(n: int) -> None:
    """Broken: the crowd asks for what does not exist, and every run has failures."""
    dice = Random(2)
    assert all(1 <= Zipf(n).draw(dice) <= n for _ in range(2000))


def test_the_same_dice_ask_for_the_same() -> None:
    """Broken: two stages are compared under different loads."""
    first, second = Random(3), Random(3)
    assert [Zipf(500).draw(first) for _ in range(100)] == [
        Zipf(500).draw(second) for _ in range(100)
    ]
