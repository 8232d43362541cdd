"""SMTP backend that notices when a server may have accepted a message."""

from __future__ import annotations

import smtplib
from typing import Any

from django.core.mail.backends.smtp import EmailBackend

END_OF_DATA = b"\r\n.\r\n"
# A server may scan the message before it confirms. Together with EMAIL_TIMEOUT for each of the commands before it, this
# stays below models.CLAIM_TIMEOUT.
CONFIRMATION_TIMEOUT = 20


class DeliveryUnconfirmed(smtplib.SMTPException):
    """The connection broke after the whole message was sent, before the server confirmed it."""


class ConfirmationMixin:
    """Notes when the whole message was sent (RFC 5321, section 6.1: from there on the server may have taken it)."""

    sock: Any
    is_unconfirmed = False

    def send(self, s: Any) -> None:
        super().send(s)  # type: ignore[misc]
        if isinstance(s, bytes) and s.endswith(END_OF_DATA):
            self.is_unconfirmed = True
            self.sock.settimeout(CONFIRMATION_TIMEOUT)

    def data(self, msg: Any) -> tuple[int, bytes]:
        self.is_unconfirmed = False
        try:
            reply: tuple[int, bytes] = super().data(msg)  # type: ignore[misc]
        except (smtplib.SMTPServerDisconnected, OSError) as error:
            if self.is_unconfirmed:
                raise DeliveryUnconfirmed(str(error)) from error
            raise
        return reply


class ConfirmingSMTP(ConfirmationMixin, smtplib.SMTP):
    pass


class ConfirmingSMTPWithTLS(ConfirmationMixin, smtplib.SMTP_SSL):
    pass


class SmtpBackend(EmailBackend):
    """Django's backend; raises DeliveryUnconfirmed where acceptance is unknown."""

    @property
    def connection_class(self) -> type[smtplib.SMTP]:
        return ConfirmingSMTPWithTLS if self.use_ssl else ConfirmingSMTP
