"""What handlers work with, and how they say that a job could not be done."""

from dataclasses import dataclass, field

from app.cache import Cache
from app.settings import Settings
from jobs import JobFailed
from worker.computing import Processes

__all__ = ["JobFailed", "Workshop", "furnish"]


@dataclass(frozen=True, slots=True)
class Workshop:
    """The means of a handler. `name` is the box that works, as in `X-Served-By`."""

    name: str
    smtp_url: str | None
    smtp_timeout_s: float
    mail_from: str
    smtp_starttls: bool = False
    smtp_ca_file: str | None = None
    # For what computes: `await workshop.processes.run(function, *values)`.
    processes: Processes = field(default_factory=lambda: Processes(1, 30.0))
    # To be told what a job has changed; None where nothing is cached.
    cache: Cache | None = None


def furnish(name: str, settings: Settings, cache: Cache) -> Workshop:
    """The workshop of this process."""
    return Workshop(
        name=name,
        smtp_url=str(settings.smtp_url) if settings.smtp_url else None,
        smtp_timeout_s=settings.smtp_timeout_s,
        mail_from=settings.mail_from,
        smtp_starttls=settings.smtp_starttls,
        smtp_ca_file=settings.smtp_ca_file,
        processes=Processes(settings.worker_processes, settings.worker_compute_s),
        cache=cache,
    )
