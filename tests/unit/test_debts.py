"""Promises of `app/debts.py`."""

from app.debts import Debts


def pay(debts: Debts) -> None:
    """Tell Redis all that is owed."""
    for key, owed in list(debts.owed.items()):
        debts.told(key, owed)


def test_a_receipt_is_settled_when_its_process_says_so() -> None:
    """Broken: an author reads an old value, or leaves the cache out for ever."""
    writer, reader = Debts(), Debts()
    receipt = writer.add(("user:1",), 7, "mark")
    assert writer.to_be_said() is None, "not yet told"
    pay(writer)
    number = writer.to_be_said()
    assert number is not None
    assert not reader.is_settled(receipt)
    reader.settled(writer.name, number)
    assert reader.is_settled(receipt)
    writer.settled(writer.name, number)
    assert writer.to_be_said() is None, "said"


def test_what_comes_while_it_is_said_is_another_debt() -> None:
    """Broken: the settling of a former debt is taken for that of the next one."""
    writer, reader = Debts(), Debts()
    writer.add(("user:1",), 7, "mark")
    pay(writer)
    number = writer.to_be_said()
    assert number is not None
    later = writer.add(("user:2",), 6, "other")
    writer.settled(writer.name, number)
    reader.settled(writer.name, number)
    assert not reader.is_settled(later)
    assert writer.to_be_said() is None
    pay(writer)
    assert writer.to_be_said() == number + 1


def test_who_knows_more_is_not_told_less() -> None:
    """Broken: an answer of Redis that comes late opens a settled debt again."""
    debts = Debts()
    debts.settled("0badcafe", 3)
    debts.settled("0badcafe", 2)
    assert debts.is_settled("0badcafe.3")


def test_a_key_is_owed_at_the_latest_position() -> None:
    """Broken: of two writes the earlier one is told last, and a load may miss the later."""
    debts = Debts()
    debts.add(("user:1",), 9, "first")
    earlier = debts.owed["user:1"]
    debts.add(("user:1",), 8, "second")
    assert debts.position("user:1") == 9
    debts.told("user:1", earlier)
    assert debts.owed["user:1"] == (9, "second"), "the second was not told"
    assert debts.position("user:2") == 0


def test_memory_is_bounded_and_what_is_not_remembered_is_never_called_settled() -> None:
    """Broken: an outage of Redis fills the process, or an author is told that Redis was told."""
    writer = Debts()
    for n in range(10_000):
        writer.add((f"user:{n}",), n, "")
    receipt = writer.add(("user:10000",), 1, "")
    assert len(writer.owed) == 10_000
    pay(writer)
    number = writer.to_be_said()
    assert number is not None
    writer.settled(writer.name, number)
    assert not writer.is_settled(receipt)
