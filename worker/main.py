"""The worker: `python -m worker.main`. Does the jobs that the relay has given to the broker."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

from app import cache
from app.cache import Cache
from app.database import Database
from app.settings import Settings
from worker import process, topology, workshop
from worker.consumer import Consumer
from worker.process import Process


async def work(this: Process, settings: Settings) -> None:
    """Do jobs until told to stop.

    Raises:
        ValueError: a setting names a kind of job that there is not.
    """
    shares = topology.shares(settings.worker_at_a_time)
    topology.shares(settings.worker_prefetch)
    hands = max(1, sum(shares.values()))
    # A connection and a thread for each job in hand: none waits for another that waits for a mail
    # server. `db_pool_size` is a web replica's.
    db = Database(settings.model_copy(update={"db_pool_size": hands}))
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(hands, "job"))
    cached = Cache(cache.connect(settings), settings)
    means = workshop.furnish(this.name, settings, cached)
    await db.open()
    try:
        await Consumer(this, settings, db, means).run()
    finally:
        means.processes.close()
        await cached.close()
        await db.close()


if __name__ == "__main__":
    process.run("worker", work)
