"""Development mailbox: an email backend that stores each message as a file named by its Message-ID."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage as ParsedMessage
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend
from django.utils.translation import gettext

from core.errors import NotFound

# The name comes from a URL: no slash and no leading dot, so no path leads out of the folder.
MESSAGE_NAME_PATTERN = re.compile(r"(?!\.)[A-Za-z0-9_.@-]{1,200}\Z")
SUFFIX = ".eml"


@dataclass(frozen=True, slots=True)
class StoredMessage:
    """One message; `name` identifies it in URLs, `sent_at` is when it was written."""

    name: str
    subject: str
    sender: str
    to: str
    sent_at: datetime
    text: str = ""
    html: str = ""


class DevMailboxBackend(BaseEmailBackend):
    """Write messages to settings.MAILBOX_DIR; a message with the same Message-ID overwrites the earlier one."""

    def __init__(self, fail_silently: bool = False, **_: Any) -> None:
        super().__init__(fail_silently=fail_silently)

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        folder = _folder()
        if folder is None:
            raise OSError("MAILBOX_DIR is not set.")
        folder.mkdir(parents=True, exist_ok=True)
        for email_message in email_messages:
            message = email_message.message()
            message_id = str(message["Message-ID"]).strip("<> ")
            name = re.sub(r"[^A-Za-z0-9_.@-]", "-", message_id)[:200].lstrip(".") or "unnamed"
            # Written under another name first, so that a reader never sees half a message.
            descriptor, draft = tempfile.mkstemp(dir=folder, prefix=".")
            with os.fdopen(descriptor, "wb") as file:
                file.write(message.as_bytes())
            Path(draft).replace(folder / f"{name}{SUFFIX}")
        return len(email_messages)


def list_messages(*, limit: int = 100) -> list[StoredMessage]:
    """Return the newest messages, without their bodies."""
    folder = _folder()
    if folder is None or not folder.is_dir():
        return []
    paths = sorted(folder.glob(f"[!.]*{SUFFIX}"), key=lambda path: path.stat().st_mtime, reverse=True)
    return [_stored_message(path, _parse(path)) for path in paths[:limit]]


def read_message(name: str) -> StoredMessage:
    """Return one message with its bodies; raises NotFound for a name that is no message in the folder."""
    folder = _folder()
    path = folder / f"{name}{SUFFIX}" if folder and MESSAGE_NAME_PATTERN.match(name) else None
    if path is None or not path.is_file():
        raise NotFound(gettext("No such message."))
    parsed = _parse(path)
    return _stored_message(path, parsed, text=_body(parsed, "plain"), html=_body(parsed, "html"))


def _folder() -> Path | None:
    return Path(settings.MAILBOX_DIR) if settings.MAILBOX_DIR else None


def _parse(path: Path) -> ParsedMessage:
    return message_from_bytes(path.read_bytes(), policy=policy.default)


def _stored_message(path: Path, parsed: ParsedMessage, *, text: str = "", html: str = "") -> StoredMessage:
    return StoredMessage(
        name=path.name.removesuffix(SUFFIX),
        subject=str(parsed["Subject"] or ""),
        sender=str(parsed["From"] or ""),
        to=str(parsed["To"] or ""),
        sent_at=datetime.fromtimestamp(path.stat().st_mtime, UTC),
        text=text,
        html=html,
    )


def _body(parsed: ParsedMessage, subtype: str) -> str:
    part = parsed.get_body(preferencelist=(subtype,))
    return str(part.get_content()) if part is not None else ""
