"""Passwords: Argon2id (RFC 9106), in threads of their own.

Hashing takes tens of milliseconds of a whole core on purpose. In a thread it does not stop the
event loop, and few threads bound the memory: each hash holds `argon2_memory_kib`.
"""

import asyncio
import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from app.errors import Overloaded
from app.settings import Settings


class Passwords:
    """Makes hashes and checks passwords against them.

    Both raise Overloaded when more requests wait for a thread than could be served in time.
    """

    def __init__(self, settings: Settings) -> None:
        self._hasher = PasswordHasher(
            time_cost=settings.argon2_passes,
            memory_cost=settings.argon2_memory_kib,
            parallelism=settings.argon2_lanes,
        )
        self._threads = ThreadPoolExecutor(settings.argon2_threads, "argon2")
        self._in_hand_max = settings.argon2_in_hand
        self._in_hand = 0
        self._nobodys: str | None = None

    async def hash(self, password: str) -> str:
        """The hash to store, with its parameters and salt in it."""
        return await self._run(self._hasher.hash, password)

    async def match(self, password: str, stored: str | None) -> bool:
        """Whether the password is the stored one's; with None (no such member) always False.

        Takes the same time in both cases, so that it does not tell who is a member.
        """
        if self._nobodys is None:
            self._nobodys = await self.hash(secrets.token_urlsafe())
        matches = await self._run(self._matches, stored or self._nobodys, password)
        return matches and stored is not None

    def close(self) -> None:
        """Let the threads end."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _matches(self, stored: str, password: str) -> bool:
        try:
            return self._hasher.verify(stored, password)
        except VerificationError, InvalidHashError:
            return False

    async def _run[*Ts, T](self, work: Callable[[*Ts], T], *values: *Ts) -> T:
        if self._in_hand >= self._in_hand_max:
            raise Overloaded
        self._in_hand += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work, *values)
        finally:
            self._in_hand -= 1
