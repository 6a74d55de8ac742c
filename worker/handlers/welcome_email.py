"""Welcome a new member by e-mail: text and HTML, over SMTP.

The Message-ID is the job's id, so a mail that was sent twice can be told by counting, and a mail
server that drops doubles can do so. What is unknown: whether the server took a mail when it fell
silent after the last byte. It is then sent again.
"""

import asyncio
import html
import smtplib
import ssl
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Any
from urllib.parse import unquote, urlsplit

from psycopg import AsyncConnection

from jobs import Job, JobRejected, WelcomeEmail
from worker.workshop import JobFailed, Workshop

_TEXT = """\
Hello {name},

welcome to Sluice. Your account is ready: write your first post, or see what others wrote.

The people of Sluice
"""

_HTML = """\
<!doctype html>
<html lang="en"><body style="font-family: sans-serif; line-height: 1.5">
<p>Hello {name},</p>
<p>welcome to Sluice. Your account is ready: write your first post, or see what others wrote.</p>
<p>The people of Sluice</p>
</body></html>
"""


async def send(
    payload: WelcomeEmail, job: Job, _connection: AsyncConnection[Any], workshop: Workshop
) -> None:
    """Send the mail.

    Raises:
        JobFailed: the mail server is not there, too slow, or refuses for now.
        JobRejected: the mail server says that this mail will never be delivered (5xx).
    """
    if workshop.smtp_url is None:
        raise JobFailed("SMTP_URL is not set")
    mail = compose(payload, job, workshop)
    await asyncio.to_thread(_deliver, mail, workshop.smtp_url, workshop.smtp_timeout_s)


def compose(payload: WelcomeEmail, job: Job, workshop: Workshop) -> EmailMessage:
    """The mail of this job: the same for the same job, but for who sends it."""
    mail = EmailMessage()
    user, _, domain = payload.email.partition("@")
    mail["From"] = workshop.mail_from
    mail["To"] = Address(payload.name, user, domain)
    mail["Subject"] = f"Welcome to Sluice, {payload.name}"
    mail["Date"] = format_datetime(job.created_at)
    mail["Message-ID"] = f"<{job.id}@sluice>"
    mail["X-Sent-By"] = workshop.name
    mail.set_content(_TEXT.format(name=payload.name))
    mail.add_alternative(_HTML.format(name=html.escape(payload.name)), subtype="html")
    return mail


def _deliver(mail: EmailMessage, url: str, timeout_s: float) -> None:
    try:
        with _connect(url, timeout_s) as server:
            server.send_message(mail)
    except smtplib.SMTPRecipientsRefused as error:
        codes = {code for code, _ in error.recipients.values()}
        if all(500 <= code < 600 for code in codes):  # noqa: PLR2004 - RFC 5321, 4.2.1: permanent
            raise JobRejected(f"the mail server refuses the recipient: {error}") from error
        raise JobFailed(f"the mail server refuses the recipient for now: {error}") from error
    except (smtplib.SMTPException, OSError) as error:
        raise JobFailed(f"the mail was not taken: {error!r}") from error


def _connect(url: str, timeout_s: float) -> smtplib.SMTP:
    parts = urlsplit(url)
    host, port = parts.hostname or "localhost", parts.port or 25
    if parts.scheme == "smtps":
        context = ssl.create_default_context()
        server: smtplib.SMTP = smtplib.SMTP_SSL(host, port, timeout=timeout_s, context=context)
    else:
        server = smtplib.SMTP(host, port, timeout=timeout_s)
    if parts.username:
        server.login(unquote(parts.username), unquote(parts.password or ""))
    return server
