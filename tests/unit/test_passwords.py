"""Promises of `app/passwords.py`."""

import asyncio
import threading

import pytest

from app.errors import Overloaded
from app.passwords import Passwords
from app.settings import Settings


def test_only_the_right_password_matches(settings: Settings) -> None:
    """Broken: anybody gets in, or nobody."""

    async def story() -> None:
        passwords = Passwords(settings)
        stored = await passwords.hash("correct horse")
        assert stored.startswith("$argon2id$")
        assert "correct horse" not in stored
        assert await passwords.match("correct horse", stored)
        assert not await passwords.match("Correct horse", stored)
        passwords.close()

    asyncio.run(story())


@pytest.mark.parametrize("stored", ["", "x", "$argon2id$v=19$broken"])
def test_a_hash_that_is_none_matches_nothing(settings: Settings, stored: str) -> None:
    """Broken: a damaged row lets everybody in, or answers 500."""
    assert not asyncio.run(Passwords(settings).match("anything", stored))


def test_who_is_no_member_costs_the_same_work(settings: Settings) -> None:
    """Broken: the time of an answer tells which addresses are members'."""

    async def story() -> None:
        passwords, worked = Passwords(settings), []
        matches = passwords._matches  # noqa: SLF001 - the work itself is what is counted

        def count(stored: str, password: str) -> bool:
            worked.append(stored)
            return matches(stored, password)

        passwords._matches = count  # type: ignore[method-assign]  # noqa: SLF001
        assert not await passwords.match("anything", None)
        assert len(worked) == 1
        assert worked[0].startswith("$argon2id$")

    asyncio.run(story())


def test_a_crowd_at_the_door_is_turned_away_early(settings: Settings) -> None:
    """Broken: everybody who logs in waits a minute, and nobody gets in before giving up."""

    async def story() -> None:
        passwords = Passwords(settings.model_copy(update={"argon2_in_hand": 2}))
        door = threading.Event()
        inside = [asyncio.create_task(passwords._run(door.wait, 5.0)) for _ in range(2)]  # noqa: SLF001
        await asyncio.sleep(0)
        with pytest.raises(Overloaded):
            await passwords.hash("correct horse")
        door.set()
        await asyncio.gather(*inside)
        assert await passwords.hash("correct horse")

    asyncio.run(story())


def test_who_gives_up_costs_no_thread_and_a_failure_is_told(settings: Settings) -> None:
    """Broken: one failure or one impatient visitor, and nobody can log in until the next deploy."""

    async def story() -> None:
        passwords = Passwords(settings.model_copy(update={"argon2_threads": 1}))
        run, door = passwords._run, threading.Event()  # noqa: SLF001
        done: list[str] = []
        inside = asyncio.create_task(run(door.wait, 5.0))
        queued = asyncio.create_task(run(done.append, "nobody waits for this"))
        await asyncio.sleep(0)
        for impatient in (inside, queued):
            impatient.cancel()
        await asyncio.gather(inside, queued, return_exceptions=True)
        door.set()
        with pytest.raises(ZeroDivisionError):
            await run(divmod, 1, 0)
        assert await passwords.hash("correct horse")
        assert done == []
        passwords.close()

    asyncio.run(story())


def test_the_default_is_what_owasp_asks_for_at_least() -> None:
    """Broken: hashes that were stolen can be guessed cheaply."""
    default = Settings(primary_dsn="postgresql+psycopg://sluice@primary/sluice")
    assert default.argon2_memory_kib >= 19 * 1024
    assert default.argon2_passes >= 2
