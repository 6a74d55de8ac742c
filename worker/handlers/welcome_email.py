"""Welcome a new member by e-mail: text and HTML, over SMTP.

The Message-ID is the job's id, so a mail that was sent twice can be told by counting, and a mail
server that drops doubles can do so. What is unknown: whether the server took a mail when it fell
silent after the last byte. It is then sent again.
"""

import asyncio
import html
import re
import smtplib
import ssl
import time
from contextlib import suppress
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
    await asyncio.to_thread(_deliver, compose(payload, job, workshop), workshop)


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


def _deliver(mail: EmailMessage, workshop: Workshop) -> None:
    try:
        server = _connect(workshop)
        try:
            server.send_message(mail)
        finally:
            _leave(server)
    except smtplib.SMTPRecipientsRefused as error:
        codes, said = {code for code, _ in error.recipients.values()}, _said(error, mail)
        if all(_is_for_good(code) for code in codes):
            raise JobRejected(f"the mail server refuses the recipient: {said}") from error
        raise JobFailed(f"the mail server refuses the recipient for now: {said}") from error
    except smtplib.SMTPDataError as error:
        said = _said(error, mail)
        if _is_for_good(error.smtp_code):
            raise JobRejected(f"the mail server refuses the mail: {said}") from error
        raise JobFailed(f"the mail server refuses the mail for now: {said}") from error
    except (smtplib.SMTPException, OSError) as error:
        # Also a login that is refused: that is ours to repair, and then the mail can be sent.
        raise JobFailed(f"the mail was not taken: {_said(error, mail)}") from error


def _said(error: Exception, mail: EmailMessage) -> str:
    """What went wrong, in words that may stand in a log line: servers repeat the address."""
    text = repr(error)
    for one in mail["To"].addresses:
        text = re.sub(re.escape(one.addr_spec), "(the recipient)", text, flags=re.IGNORECASE)
    return text


def _is_for_good(code: int) -> bool:
    return 500 <= code < 600  # noqa: PLR2004 - RFC 5321, 4.2.1: permanent negative completion


def _leave(server: smtplib.SMTP) -> None:
    # The mail is the server's by now, or an error is under way: how it says goodbye changes
    # neither, and must not make us send the mail again.
    with suppress(smtplib.SMTPException, OSError):
        server.quit()
    server.close()


def _connect(workshop: Workshop) -> smtplib.SMTP:
    parts = urlsplit(workshop.smtp_url or "")
    host, port, limit_s = parts.hostname or "localhost", parts.port or 25, workshop.smtp_timeout_s
    if parts.scheme == "smtps":
        context = ssl.create_default_context(cafile=workshop.smtp_ca_file)
        server: smtplib.SMTP = _TlsConversation(host, port, timeout=limit_s, context=context)
    else:
        server = _Conversation(host, port, timeout=limit_s)
    try:
        if workshop.smtp_starttls:
            # Raises when it is not offered: then nothing is sent in the clear.
            server.starttls(context=ssl.create_default_context(cafile=workshop.smtp_ca_file))
        if parts.username:
            server.login(unquote(parts.username), unquote(parts.password or ""))
    except BaseException:
        server.close()
        raise
    return server


class _Conversation(smtplib.SMTP):
    """One that takes no longer than the timeout which smtplib gives each of its steps.

    Otherwise a server that is slow at every step could outlast the transaction around it.
    """

    _ends_at: float | None = None

    def getreply(self) -> tuple[int, bytes]:
        """The server's answer to a command."""
        self._ends_at = self._ends_at or time.monotonic() + self.timeout
        if self.sock:
            self.sock.settimeout(max(0.01, self._ends_at - time.monotonic()))
        return super().getreply()


class _TlsConversation(_Conversation, smtplib.SMTP_SSL):
    pass
