"""Promises of `worker/handlers/welcome_email.py`."""

import asyncio
import smtplib
from typing import Any, Self, cast

import pytest
from psycopg import AsyncConnection

from jobs import JobRejected, WelcomeEmail, envelope
from worker.handlers import welcome_email
from worker.workshop import JobFailed, Workshop

WORKSHOP = Workshop("worker-1", "smtp://mail:1025", 1.0, "Sluice <welcome@sluice.example>")
PAYLOAD = WelcomeEmail(email="ann@example.com", name="Zoë <b> 조")
JOB = envelope.new(PAYLOAD)


class Server:
    """A mail server with one answer."""

    def __init__(self, trouble: Exception | None) -> None:
        self.trouble = trouble

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def send_message(self, _mail: Any) -> None:
        """Take it or not."""
        if self.trouble:
            raise self.trouble


def send(monkeypatch: pytest.MonkeyPatch, trouble: Exception | None) -> None:
    """Send the mail to a server with this trouble."""
    monkeypatch.setattr(smtplib, "SMTP", lambda *_, **__: Server(trouble))
    asyncio.run(welcome_email.send(PAYLOAD, JOB, cast("AsyncConnection[Any]", None), WORKSHOP))


def test_a_mail_is_known_by_its_job() -> None:
    """Broken: doubles cannot be told from two members of the same name."""
    mail = welcome_email.compose(PAYLOAD, JOB, WORKSHOP)
    assert mail["Message-ID"] == f"<{JOB.id}@sluice>"
    assert mail["X-Sent-By"] == "worker-1"
    assert mail["To"] == "Zoë <b> 조 <ann@example.com>".replace("Zoë <b> 조", '"Zoë <b> 조"')


def test_it_can_be_read_as_text_and_as_html() -> None:
    """Broken: some readers see nothing, or a name becomes markup."""
    mail = welcome_email.compose(PAYLOAD, JOB, WORKSHOP)
    text, html = mail.get_body(("plain",)), mail.get_body(("html",))
    assert text is not None
    assert html is not None
    assert "Hello Zoë <b> 조," in text.get_content()
    assert "Hello Zoë &lt;b&gt; 조," in html.get_content()


def test_the_same_job_makes_the_same_mail() -> None:
    """Broken: a second try looks like a second mail."""
    first, second = (welcome_email.compose(PAYLOAD, JOB, WORKSHOP) for _ in range(2))
    assert (first["Date"], first["Message-ID"]) == (second["Date"], second["Message-ID"])


@pytest.mark.parametrize(
    "trouble",
    [
        ConnectionRefusedError(),
        TimeoutError(),
        smtplib.SMTPServerDisconnected(),
        smtplib.SMTPRecipientsRefused({"a@b.c": (450, b"busy")}),
        smtplib.SMTPDataError(451, b"later"),
    ],
)
def test_what_may_pass_is_tried_again(monkeypatch: pytest.MonkeyPatch, trouble: Exception) -> None:
    """Broken: a mail server's restart costs members their mail."""
    with pytest.raises(JobFailed):
        send(monkeypatch, trouble)


def test_an_address_that_does_not_exist_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Broken: mail servers stop taking mail from who never takes no for an answer."""
    with pytest.raises(JobRejected):
        send(monkeypatch, smtplib.SMTPRecipientsRefused({"a@b.c": (550, b"no such box")}))


def test_a_mail_that_was_taken_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    """Broken: members are welcomed for ever."""
    send(monkeypatch, None)
