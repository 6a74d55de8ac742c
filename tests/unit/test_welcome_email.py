"""Promises of `worker/handlers/welcome_email.py`."""

import asyncio
import ssl
import subprocess
from functools import partial
from pathlib import Path
from typing import Any, cast

import pytest
from aiosmtpd.smtp import SMTP, AuthResult, Envelope
from psycopg import AsyncConnection

from jobs import JobRejected, WelcomeEmail, envelope
from worker.handlers import welcome_email
from worker.workshop import JobFailed, Workshop

WORKSHOP = Workshop("worker-1", "smtp://mail:1025", 1.0, "Sluice <welcome@sluice.example>")
PAYLOAD = WelcomeEmail(email="ann@example.com", name="Zoë <b> 조")
JOB = envelope.new(PAYLOAD)


class Answering:
    """A mail server's mind: one answer to every mail, and what it saw."""

    def __init__(self, answer: str, to_recipient: str = "250 OK") -> None:
        self.answer = answer
        self.to_recipient = to_recipient
        self.mails: list[bytes] = []
        self.tls: list[bool] = []

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, _server: SMTP, _session: Any, envelope: Envelope, address: str, _options: Any
    ) -> str:
        """Say whether there is such a box."""
        envelope.rcpt_tos.append(address)
        return self.to_recipient

    async def handle_DATA(self, server: SMTP, _session: Any, envelope: Envelope) -> str:  # noqa: N802
        """Take the mail, or do not."""
        if self.answer == "silence":
            await asyncio.sleep(30)
        if self.answer.startswith("250"):
            assert isinstance(envelope.content, bytes)
            self.mails.append(envelope.content)
            assert server.transport is not None
            self.tls.append(server.transport.get_extra_info("sslcontext") is not None)
        return self.answer


def send(
    mind: Answering,
    scheme: str = "smtp",
    tls: ssl.SSLContext | None = None,
    **workshop: Any,
) -> None:
    """Send the mail to a real server with this mind."""

    async def story() -> None:
        options: dict[str, Any] = {}
        if tls and scheme == "smtp":
            options["tls_context"] = tls
        if "@" in workshop.get("login", ""):
            options |= {"authenticator": authenticate, "auth_required": True}
            options["auth_require_tls"] = bool(tls)
        make = partial(SMTP, mind, enable_SMTPUTF8=True, **options)
        loop = asyncio.get_running_loop()
        wrapped = tls if scheme == "smtps" else None
        server = await loop.create_server(make, "127.0.0.1", 0, ssl=wrapped)
        port = server.sockets[0].getsockname()[1]
        login = workshop.pop("login", "")
        url = f"{scheme}://{login}localhost:{port}"
        means = Workshop("worker-1", url, 1.0, WORKSHOP.mail_from, **workshop)
        try:
            await welcome_email.send(PAYLOAD, JOB, cast("AsyncConnection[Any]", None), means)
        finally:
            server.close()
            server.close_clients()

    asyncio.run(story())


def authenticate(_server: Any, _session: Any, _envelope: Any, _how: str, data: Any) -> AuthResult:
    """Let in who knows the password."""
    return AuthResult(success=(data.login, data.password) == (b"ann", b"p w"))


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate of localhost with its key, signed by itself."""
    file = tmp_path_factory.mktemp("tls") / "localhost.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
         "-nodes", "-days", "2", "-subj", "/CN=localhost", "-addext",
         "subjectAltName=DNS:localhost", "-keyout", file, "-out", file.with_suffix(".crt")],
        check=True, capture_output=True,
    )  # fmt: skip
    file.write_text(file.read_text() + file.with_suffix(".crt").read_text())
    return file


def context(certificate: Path) -> ssl.SSLContext:
    """The server's side of TLS."""
    made = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    made.load_cert_chain(certificate)
    return made


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
    "mind",
    [Answering("451 later"), Answering("silence"), Answering("250 OK", "450 busy")],
    ids=["later", "silence", "busy"],
)
def test_what_may_pass_is_tried_again(mind: Answering) -> None:
    """Broken: a mail server's restart costs members their mail."""
    with pytest.raises(JobFailed):
        send(mind)


def test_a_server_that_is_not_there_may_come_back() -> None:
    """Broken: the mail is given up at once."""
    with pytest.raises(JobFailed, match="not taken"):
        asyncio.run(
            welcome_email.send(
                PAYLOAD,
                JOB,
                cast("AsyncConnection[Any]", None),
                Workshop("worker-1", "smtp://127.0.0.1:1", 1.0, WORKSHOP.mail_from),
            )
        )


@pytest.mark.parametrize("mind", [Answering("250 OK", "550 no such box"), Answering("554 spam")])
def test_what_will_never_be_taken_is_given_up(mind: Answering) -> None:
    """Broken: mail servers stop taking mail from who never takes no for an answer."""
    with pytest.raises(JobRejected, match="refuses"):
        send(mind)


def test_what_is_said_of_a_refusal_names_nobody() -> None:
    """Broken: members' addresses stand in the logs, as the mail server repeated them."""
    mind = Answering("250 OK", f"550 5.1.1 <{PAYLOAD.email.upper()}>: no such box")
    with pytest.raises(JobRejected, match="no such box") as refused:
        send(mind)
    assert PAYLOAD.email not in str(refused.value).lower()


def test_a_mail_that_was_taken_is_done() -> None:
    """Broken: members are welcomed for ever."""
    mind = Answering("250 kept")
    send(mind)
    assert len(mind.mails) == 1
    assert mind.tls == [False]


@pytest.mark.parametrize("scheme", ["smtp", "smtps"])
def test_it_travels_in_tls_with_a_login_when_asked_for(scheme: str, certificate: Path) -> None:
    """Broken: mails and the password of the mail account can be read on the way."""
    mind = Answering("250 kept")
    send(
        mind,
        scheme,
        context(certificate),
        login="ann:p%20w@" if scheme == "smtp" else "",  # aiosmtpd offers it after STARTTLS alone
        smtp_starttls=scheme == "smtp",
        smtp_ca_file=str(certificate.with_suffix(".crt")),
    )
    assert mind.tls == [True]


def test_without_the_tls_that_was_asked_for_nothing_is_sent() -> None:
    """Broken: who strips STARTTLS on the way reads everything."""
    mind = Answering("250 kept")
    with pytest.raises(JobFailed, match="STARTTLS"):
        send(mind, smtp_starttls=True)
    assert mind.mails == []


def test_a_server_with_somebody_elses_certificate_gets_nothing(certificate: Path) -> None:
    """Broken: anybody who can answer on that port gets the mails."""
    mind = Answering("250 kept")
    with pytest.raises(JobFailed, match="certificate"):
        send(mind, "smtps", context(certificate))
    assert mind.mails == []
