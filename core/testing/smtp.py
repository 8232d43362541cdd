"""An SMTP server on loopback that stores messages and can be told to refuse them."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Iterator
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session


@dataclass
class SmtpSink:
    """Store messages; `refuse_recipient` and `refuse_message` are replies like "451 Busy", `delay` is in seconds."""

    messages: list[EmailMessage] = field(default_factory=list)
    refuse_recipient: str = ""
    refuse_message: str = ""
    delay: float = 0
    port: int = 0

    async def handle_RCPT(  # noqa: N802 -- aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: Any
    ) -> str:
        if self.refuse_recipient:
            return self.refuse_recipient
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 -- aiosmtpd's
        await asyncio.sleep(self.delay)
        if self.refuse_message:
            return self.refuse_message
        assert isinstance(envelope.content, bytes)
        self.messages.append(message_from_bytes(envelope.content, policy=policy.default))
        return "250 OK"

    def reset(self) -> None:
        """Forget the messages of the test before, and accept everything at once."""
        self.messages.clear()
        self.refuse_recipient = self.refuse_message = ""
        self.delay = 0

    def only(self) -> EmailMessage:
        """Return the one message; fails if there is none or more than one."""
        assert len(self.messages) == 1
        return self.messages[0]


def start_smtp_server(sink: SmtpSink) -> Controller:
    logging.getLogger("mail.log").setLevel(logging.WARNING)
    sink.port = free_port()
    server = Controller(sink, hostname="127.0.0.1", port=sink.port)
    server.start()
    return server


def free_port() -> int:
    """Return a TCP port that is free now; another program may take it before it is used."""
    with socket.socket() as probe:
        # Port 0: the kernel chooses a free one.
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="session")
def smtp_server() -> Iterator[SmtpSink]:
    sink = SmtpSink()
    server = start_smtp_server(sink)
    yield sink
    server.stop()


@pytest.fixture
def sink(smtp_server: SmtpSink, settings: Any) -> SmtpSink:
    """The SMTP server of this test, empty and accepting everything."""
    smtp_server.reset()
    settings.EMAIL_BACKEND = "notifications.email.backend.SmtpBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", smtp_server.port
    return smtp_server
