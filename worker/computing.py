"""Work that computes: in processes of its own, so that the event loop goes on meanwhile.

The loop keeps the connection to the broker alive, and the other jobs of this worker moving. A
handler calls `await workshop.processes.run(function, *values)`; the function must be importable,
its values and its result must be picklable, and small: pass names of files, not their bytes.
"""

import asyncio
import multiprocessing
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool

from jobs import JobFailed

# A process is replaced after so many jobs: what a library leaks, or a large image leaves behind in
# the allocator, goes with it.
_JOBS_PER_PROCESS = 50


class Processes:
    """A pool of processes, started when first needed. Each needs memory of its own: few."""

    def __init__(self, count: int, limit_s: float) -> None:
        self._count = count
        self._limit_s = limit_s
        self._pool: ProcessPoolExecutor | None = None

    async def run[*Ts, T](self, function: Callable[[*Ts], T], *values: *Ts) -> T:
        """What the function returns; what it raises is raised here.

        Raises:
            JobFailed: it took too long, or its process died, for example for want of memory.
        """
        pool = self._pool = self._pool or self._start()
        try:
            async with asyncio.timeout(self._limit_s):
                return await asyncio.get_running_loop().run_in_executor(pool, function, *values)
        except TimeoutError as error:
            self._kill(pool)
            raise JobFailed(f"{function.__name__} took longer than {self._limit_s} s") from error
        except BrokenProcessPool as error:
            self._kill(pool)
            raise JobFailed(f"the process of {function.__name__} died") from error

    def close(self) -> None:
        """End the processes; what they compute is lost, and is somebody's next try."""
        if self._pool:
            self._kill(self._pool)

    def _start(self) -> ProcessPoolExecutor:
        # Forked from a small server, not from here: this process has threads and connections.
        return ProcessPoolExecutor(
            self._count,
            mp_context=multiprocessing.get_context("forkserver"),
            max_tasks_per_child=_JOBS_PER_PROCESS,
        )

    def _kill(self, pool: ProcessPoolExecutor) -> None:
        # Others that computed in this pool fail with BrokenProcessPool, and are tried again too.
        if self._pool is pool:
            self._pool = None
        pool.kill_workers()
