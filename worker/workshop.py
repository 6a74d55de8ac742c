"""What handlers work with, and how they say that a job could not be done."""

from dataclasses import dataclass

from app.settings import Settings


class JobFailed(Exception):
    """The job could not be done now; it may be later."""


@dataclass(frozen=True, slots=True)
class Workshop:
    """The means of a handler. `name` is the box that works, as in `X-Served-By`."""

    name: str
    smtp_url: str | None
    smtp_timeout_s: float
    mail_from: str


def furnish(name: str, settings: Settings) -> Workshop:
    """The workshop of this process."""
    return Workshop(
        name=name,
        smtp_url=str(settings.smtp_url) if settings.smtp_url else None,
        smtp_timeout_s=settings.smtp_timeout_s,
        mail_from=settings.mail_from,
    )
