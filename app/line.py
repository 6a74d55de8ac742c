"""One connection to PostgreSQL: where it leads, and how it waits."""

import asyncio
from collections.abc import Mapping
from typing import Any, cast

import psycopg
from psycopg.abc import PQGen
from psycopg.waiting import Ready, Wait

# A socket that said nothing for so long is looked at, whatever the event loop knows of it.
_LOOK_S = 0.1


class Silent(psycopg.OperationalError):
    """The server has not answered in time."""


class Line(psycopg.AsyncConnection[Any]):
    """A psycopg connection that tells the event loop of its socket once.

    psycopg tells it before each wait and takes that back after it: with a new cursor for each
    statement that is a tenth of a sign-up (docs/performance.md). Here the socket stays known to the
    loop as long as all goes well.
    """

    # When whoever waits is told that the server is silent, by the loop's clock.
    until: float = float("inf")

    _heard: asyncio.Future[Ready] | None = None
    _watched: int | None = None  # the socket that the loop knows
    _cursor: psycopg.AsyncCursor[Any] | None = None

    @property
    def who(self) -> str:
        """A replica's host name, or `primary`.

        PostgreSQL reports `in_hot_standby` to every client by itself.
        """
        standby = self.info.parameter_status("in_hot_standby") == "on"
        return self.info.host if standby else "primary"

    async def rows(self, sql: str, values: Mapping[str, Any] | None = None) -> list[Any]:
        """Send a statement; the rows that it returns, if it returns any.

        All go through one cursor, since making one costs as much as reading its rows.
        """
        if self._cursor is None:
            self._cursor = self.cursor()
        await self._cursor.execute(sql, values)
        # None: it returns no rows. (`description` says it too, and looks at every column.)
        return await self._cursor.fetchall() if self._cursor.rownumber is not None else []

    async def wait[T](
        self,
        gen: PQGen[T],
        interval: float = _LOOK_S,
        timeout: float | None = None,  # noqa: ASYNC109 - psycopg's own
    ) -> T:
        """Go on with this generator of psycopg's whenever the socket is ready; what it returns.

        Whether the time is over is asked after what has come was read: a loop that stood still
        looks at its timers first, and the answer may lie there.

        Whoever is cancelled meanwhile, or told that the server is silent, leaves the connection
        closed: it is unknown what the server was doing. (psycopg would ask it to stop, and wait for
        that as well.)

        Raises what the generator raises, and Silent.
        """
        if timeout is not None:
            self._unwatch()
            return await super().wait(gen, interval, timeout)
        try:
            wanted = next(gen)
            while True:
                wanted = gen.send(await self._ready(wanted))
                # That was not all. uvloop tells once of a socket that is broken, then no more.
                self._unwatch()
                if asyncio.get_running_loop().time() >= self.until:
                    raise Silent("the server is silent")  # noqa: TRY301 - one place ends it
        except StopIteration as end:
            return cast("T", end.value)
        except BaseException as error:
            # libpq may have closed the socket: its number can be another one's any moment.
            self._unwatch()
            if isinstance(error, asyncio.CancelledError | Silent):
                self.pgconn.finish()
            raise

    async def close(self) -> None:
        """End the connection."""
        self._unwatch()
        await super().close()

    async def _ready(self, wanted: Wait) -> Ready:
        loop = asyncio.get_running_loop()
        number = self.pgconn.socket
        if self._watched is None:
            loop.add_reader(number, self._hear, Ready.R)
            self._watched = number
        heard: asyncio.Future[Ready] = loop.create_future()
        self._heard = heard
        # If there is nothing to be read, libpq finds nothing.
        timer = loop.call_later(_LOOK_S, self._hear, Ready.R)
        writes = wanted & Wait.W  # hardly ever: a statement mostly fits into the socket at once
        if writes:
            loop.add_writer(number, self._hear, Ready.W)
        try:
            return await heard
        finally:
            self._heard = None
            timer.cancel()
            if writes:
                loop.remove_writer(number)

    def _hear(self, ready: Ready) -> None:
        if self._heard is None:
            # The server says something unasked, such as goodbye: `Pool.take` finds that out.
            self._unwatch()
        elif not self._heard.done():
            self._heard.set_result(ready)

    def _unwatch(self) -> None:
        if self._watched is not None:
            asyncio.get_running_loop().remove_reader(self._watched)
            self._watched = None
