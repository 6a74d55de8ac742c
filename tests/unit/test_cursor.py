"""Promises of `app/cursor.py`."""

import pytest

from app import cursor
from app.errors import InvalidCursor


@pytest.mark.parametrize("last_id", [1, 2, 199_999, 2**31, 2**63 - 1])
def test_a_cursor_leads_back_to_its_id(last_id: int) -> None:
    """Broken: the second page repeats or leaves out posts."""
    assert cursor.decode(cursor.encode(last_id)) == last_id


def test_without_a_cursor_the_first_page_begins_above_all_ids() -> None:
    """Broken: the first page leaves out the newest posts."""
    assert cursor.decode(None) == 2**63 - 1


def test_a_cursor_needs_no_escaping_in_an_address() -> None:
    """Broken: a client that puts the cursor into an address as it is gets 400."""
    assert cursor.encode(2**63 - 1).replace("-", "").replace("_", "").isalnum()


@pytest.mark.parametrize(
    "nonsense",
    [
        "",
        "x",
        "=",
        "AAAA",
        "AQ",
        "A" * 64,
        "é",
        "💥",
        pytest.param("AQAAAAAAAAAA", id="id 0"),
        pytest.param("Af__________", id="negative id"),
        pytest.param("AgAAAAAAAAAB", id="unknown version"),
    ],
)
def test_nonsense_is_no_cursor(nonsense: str) -> None:
    """Broken: a mistyped cursor is answered with 500, or silently with the first page."""
    with pytest.raises(InvalidCursor):
        cursor.decode(nonsense)
