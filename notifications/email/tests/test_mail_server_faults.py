"""Faults of the mail server: it breaks off after a message, hangs, is away, or speaks TLS from the first byte."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from datetime import timedelta

import pytest
from aiosmtpd.controller import Controller

from core.testing.smtp import SmtpSink, free_port
from drills.certificates import write_certificates
from notifications.email import backend, services
from notifications.models import OutgoingEmail
from notifications.tests.factories import NOW, make_email

pytestmark = pytest.mark.django_db
BACKEND = "notifications.email.backend.SmtpBackend"


class RawServer:
    """Speak just enough SMTP; close the connection, or say nothing more, once it has read `last_line`."""

    def __init__(self, last_line: bytes = b"", *, hang: bool = False) -> None:
        self.last_line, self.hang, self.connections, self.messages = last_line, hang, 0, 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.released = threading.Event()
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._talk, args=(client,), daemon=True).start()

    def _talk(self, client: socket.socket) -> None:
        with client, client.makefile("rb") as lines:
            if self.last_line:
                client.sendall(b"220 ready\r\n")
                in_data = False
                for line in lines:
                    if line.strip() == b"." and in_data:
                        self.messages, in_data = self.messages + 1, False
                    if not in_data and line.upper().startswith(self.last_line):
                        break
                    if not in_data:
                        in_data = line.upper().startswith(b"DATA")
                        client.sendall(b"354 go on\r\n" if in_data else b"250 OK\r\n")
            if self.hang:
                self.released.wait(20)


@pytest.fixture
def server(settings):
    """Start a faulty server, and make it the mail server."""
    servers: list[RawServer] = []

    def start(*arguments, **options) -> RawServer:
        servers.append(RawServer(*arguments, **options))
        settings.EMAIL_BACKEND = BACKEND
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", servers[-1].port
        return servers[-1]

    yield start
    for one in servers:
        one.released.set()
        one.listener.close()


def send(email: OutgoingEmail, now=NOW) -> OutgoingEmail:
    services.send(email_id=email.pk, now=now)
    return OutgoingEmail.objects.get(pk=email.pk)


def test_unconfirmed_message_is_sent_once_more(bob, server, monkeypatch):
    monkeypatch.setattr(backend, "CONFIRMATION_TIMEOUT", 0.3)
    for hang in (False, True):
        services.mail_server.reset()
        faulty, email = server(b".", hang=hang), make_email(bob)

        first = send(email)
        second = send(email, NOW + services.MAX_RETRY_DELAY)
        third = send(email, NOW + 2 * services.MAX_RETRY_DELAY)

        assert (first.state, first.unconfirmed) == ("queued", True)
        assert first.next_attempt_at == NOW + services.MAX_RETRY_DELAY
        assert "DeliveryUnconfirmed" in second.last_error
        assert (second.state, third.state, faulty.messages) == ("dead", "dead", 2)


def test_break_before_the_message_is_retried_soon(bob, server):
    for last_line in (b"MAIL", b"RCPT", b"DATA"):
        services.mail_server.reset()
        faulty = server(last_line)

        email = send(make_email(bob))

        assert (email.state, email.unconfirmed, faulty.messages) == ("queued", False, 0)
        assert email.next_attempt_at <= NOW + services.MIN_RETRY_DELAY


def test_hanging_server_is_left_alone_for_a_while(bob, server, settings, sink):
    settings.EMAIL_TIMEOUT = 0.2
    hanging, started = server(hang=True), time.monotonic()
    emails = [send(make_email(bob)) for _ in range(10)]

    assert hanging.connections == services.mail_server.max_failures
    assert time.monotonic() - started < 5
    assert [email.attempts for email in emails] == [1] * 3 + [0] * 7
    pause = timedelta(seconds=services.mail_server.pause)
    assert {email.next_attempt_at for email in emails[3:]} == {NOW + pause}
    # After the pause one attempt decides; an answer, even a refusal, means that the server is back.
    settings.EMAIL_PORT = sink.port
    services.mail_server._open_until = 0
    assert send(emails[3], NOW + pause).state == "sent"
    assert send(emails[4], NOW + pause).state == "sent"


def test_refusals_do_not_open_the_circuit(bob, sink):
    sink.refuse_recipient = "451 Try later"

    emails = [send(make_email(bob)) for _ in range(5)]

    assert [email.attempts for email in emails] == [1] * 5


def test_email_is_sent_over_implicit_tls(bob, settings, tmp_path, monkeypatch):
    authority = write_certificates(tmp_path)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(tmp_path / "fullchain.pem", tmp_path / "privkey.pem")
    sink = SmtpSink(port=free_port())
    controller = Controller(sink, hostname="127.0.0.1", port=sink.port, ssl_context=context)
    monkeypatch.setenv("SSL_CERT_FILE", str(authority))
    controller.start()
    try:
        settings.EMAIL_BACKEND = BACKEND
        settings.EMAIL_HOST, settings.EMAIL_PORT, settings.EMAIL_USE_SSL = "127.0.0.1", sink.port, True
        trusted = send(make_email(bob))
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "nobody.pem"))
        refused = send(make_email(bob))
    finally:
        controller.stop()

    assert (trusted.state, sink.only()["Message-ID"]) == ("sent", trusted.message_id)
    assert (refused.state, refused.last_error.split(":")[0]) == ("queued", "SSLCertVerificationError")


def test_subject_and_text_hold_no_control_characters(bob, sink):
    title = "Pay\r\nBcc: eve@example.com\x1b[31m \u202egnp.exe\u2066 now\u2028"
    email = send(make_email(bob, notification={"title": title, "body": "red \x1b[31m text\x07", "task_title": title}))

    message = sink.only()
    assert email.state == "sent"
    assert message["Bcc"] is None
    assert not set(message["Subject"]) & set("\r\n\x1b\x07\u202e\u2066\u2028")
    text = message.get_body(("plain",)).get_content()
    assert not set(text) & set("\x1b\x07")
