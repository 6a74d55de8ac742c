"""The arithmetic of `make ablate-NAME`: what buys nothing would look like what does."""

import json
from collections import Counter
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from app.settings import Settings
from loadtest.ablate import report
from loadtest.ablate.cache import peak
from loadtest.ablate.readers import paths, shares
from loadtest.ablate.techniques import TECHNIQUES, Technique

JITTER = TECHNIQUES[0]
POOL = next(each for each in TECHNIQUES if each.name == "pool-size")


def rounds(technique: Technique, *values: dict[str, float]) -> list[dict[str, dict[str, float]]]:
    """Rounds in which the deciding figure of each way was so."""
    return [{way: {technique.figure: value} for way, value in each.items()} for each in values]


def test_a_round_is_compared_with_itself() -> None:
    """Broken: noise that slows both ways for a while changes what the technique seems to buy."""
    found = report.summed_up(
        JITTER,
        rounds(JITTER, {"on": 10, "off": 40}, {"on": 100, "off": 500}, {"on": 10, "off": 30}),
    )
    assert found["times_the_shipped"] == {"off": {"median": 4, "least": 3, "most": 5}}
    assert found["ways"]["off"][JITTER.figure] == {"median": 40, "least": 30, "most": 500}


def test_each_way_is_compared_with_the_shipped_one() -> None:
    """Broken: sizes of a pool are compared with the first of them."""
    found = report.summed_up(POOL, rounds(POOL, dict.fromkeys(POOL.ways, 50.0) | {"8": 100.0}))
    assert {each["median"] for each in found["times_the_shipped"].values()} == {0.5}
    assert "8" not in found["times_the_shipped"]


def test_nothing_is_no_measure() -> None:
    """Broken: a division by zero ends a run of minutes, or a ratio to nothing is printed."""
    found = report.summed_up(JITTER, rounds(JITTER, {"on": 0, "off": 40}))
    assert found["times_the_shipped"] == {}
    assert "×" not in report.table(found)


def test_the_row_says_what_was_measured(tmp_path: Path) -> None:
    """Broken: the table of the docs shows other numbers than the report."""
    found = report.summed_up(JITTER, rounds(JITTER, {"on": 12.345, "off": 4321}))
    file = tmp_path / "ablate-x.json"
    file.write_text(json.dumps({"measured_at": "2026-11-26T10:00:00+00:00", **found}))
    row = report.row(JITTER, file)
    assert "on: 12.3 (12.3–12.3)<br>off: 4,321 (4,321–4,321)" in row
    assert "off: 350 (350–350) ×" in row
    assert "[2026-11-26](../reports/ablate-x.json)" in row


def test_the_peak_is_looked_for_after_the_first_lives() -> None:
    """Broken: the first fill, which is the same with and without jitter, hides what follows."""
    counts = [0, 300, 300, 300, 300, 310, 310, 330]
    assert peak(counts, 0.5) == {"peak_loads_a_second": 40, "mean_loads_a_second": 20}


def plan(**more: Any) -> dict[str, Any]:
    """What readers ask for."""
    return {"seed": 7, "paths": ["/a/{}"], "first": 10, "count": 5, **more}


@pytest.mark.parametrize("order", ["zipf", "any", "turns"])
def test_the_same_seed_asks_for_the_same(order: str) -> None:
    """Broken: the ways of a technique are loaded with different requests."""
    asked = list(islice(paths(plan(order=order)), 500))
    assert asked == list(islice(paths(plan(order=order)), 500))
    assert set(asked) == {f"/a/{each}" for each in range(10, 15)}


def test_by_turns_each_key_is_read_equally_often() -> None:
    """Broken: keys that are to be filled together are filled when chance wants it."""
    asked = Counter(islice(paths(plan(order="turns")), 500))
    assert set(asked.values()) == {100}


def test_shares_are_of_good_answers() -> None:
    """Broken: a quantile is taken of nothing, or interpolated beyond what was seen."""
    assert shares([]) == {}
    assert shares([float(each) for each in range(1, 102)]) == {
        "p50_ms": 51, "p95_ms": 96, "p99_ms": 100,
    }  # fmt: skip


@pytest.mark.parametrize("technique", TECHNIQUES, ids=lambda each: each.name)
def test_a_technique_ships_one_of_its_ways(technique: Technique) -> None:
    """Broken: what is called shipped is not what ships."""
    assert technique.shipped in technique.ways
    for name, value in technique.ways[technique.shipped].items():
        field = Settings.model_fields.get(name.lower())
        assert field is None or str(field.default).lower() == value
