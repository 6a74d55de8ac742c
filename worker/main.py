"""The worker: `python -m worker.main`. Does the jobs that the relay has given to the broker."""

from app.database import Database
from app.settings import Settings
from worker import process, workshop
from worker.consumer import Consumer
from worker.process import Process


async def work(this: Process, settings: Settings) -> None:
    """Do jobs until told to stop."""
    db = Database(settings)
    means = workshop.furnish(this.name, settings)
    await db.open()
    try:
        await Consumer(this, settings, db, means).run()
    finally:
        await db.close()


if __name__ == "__main__":
    process.run("worker", work)
