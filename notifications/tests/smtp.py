"""A real SMTP server on loopback that keeps what it is given and can be told to refuse."""

from __future__ import annotations

import asyncio
import socket
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session


@dataclass
class Sink:
    """`refuse_recipient` and `refuse_message` are answers like "451 Busy"; `slowness` is in seconds."""

    messages: list[EmailMessage] = field(default_factory=list)
    refuse_recipient: str = ""
    refuse_message: str = ""
    slowness: float = 0
    port: int = 0

    async def handle_RCPT(self, server: SMTP, session: Session, envelope: Envelope, address: str, options: Any) -> str:
        if self.refuse_recipient:
            return self.refuse_recipient
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        await asyncio.sleep(self.slowness)
        if self.refuse_message:
            return self.refuse_message
        assert isinstance(envelope.content, bytes)
        self.messages.append(message_from_bytes(envelope.content, policy=policy.default))
        return "250 Kept"

    def only(self) -> EmailMessage:
        assert len(self.messages) == 1
        return self.messages[0]


def start(sink: Sink) -> Controller:
    sink.port = free_port()
    server = Controller(sink, hostname="127.0.0.1", port=sink.port)
    server.start()
    return server


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
