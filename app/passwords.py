"""Passwords: Argon2id (RFC 9106), in threads of their own.

Hashing takes tens of milliseconds of a whole core on purpose. In a thread it does not stop the
event loop, and few threads bound the memory: each hash holds `argon2_memory_kib`.
"""

import asyncio
import queue
import secrets
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any, NamedTuple

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
        self._threads = _Threads(settings.argon2_threads)
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
        self._threads.end()

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
            return await self._threads.do(work, *values)
        finally:
            self._in_hand -= 1


class _Task(NamedTuple):
    """Work, and who waits for it."""

    future: asyncio.Future[Any]
    work: Callable[..., Any]
    values: tuple[Any, ...]


class _Threads:
    """Threads that compute while the event loop goes on.

    A ThreadPoolExecutor would make a sign-up dearer, by 4 to 7 % (docs/performance.md): its futures
    have locks, which the loop's thread takes in turn with the others. Here the loop alone touches
    the future that somebody waits for.
    """

    def __init__(self, number: int) -> None:
        self._number = number
        self._tasks: queue.SimpleQueue[_Task | None] = queue.SimpleQueue()
        self._are_started = False

    def do[*Ts, T](self, work: Callable[[*Ts], T], *values: *Ts) -> asyncio.Future[T]:
        """What the work returns or raises, as soon as a thread has had time for it."""
        if not self._are_started:
            self._are_started = True
            for each in range(self._number):
                name = f"argon2_{each}"
                threading.Thread(target=self._keep_doing, name=name, daemon=True).start()
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._tasks.put(_Task(future, work, values))
        return future

    def end(self) -> None:
        """Let each thread end after what it has in hand; what nobody has begun is left."""
        with suppress(queue.Empty):
            while True:
                self._tasks.get_nowait()
        for _ in range(self._number):
            self._tasks.put(None)

    def _keep_doing(self) -> None:
        while task := self._tasks.get():
            _do(task)
            del task  # there is a password in it


def _do(task: _Task) -> None:
    if task.future.cancelled():
        return  # nobody waits any more
    result, error = None, None
    try:
        result = task.work(*task.values)
    except Exception as trouble:  # noqa: BLE001 - who waits is told of it, whatever it is
        error = trouble
    with suppress(RuntimeError):  # the loop has ended, and with it who waited
        task.future.get_loop().call_soon_threadsafe(_hand_over, task.future, result, error)


def _hand_over[T](future: asyncio.Future[T], result: T, error: Exception | None) -> None:
    if future.done():
        return  # given up meanwhile
    if error:
        future.set_exception(error)
    else:
        future.set_result(result)
