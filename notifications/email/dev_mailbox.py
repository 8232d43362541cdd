"""The mailbox of a start without a mail server: each message is one file, named by its Message-ID."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage as Parsed
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend

from core.errors import NotFound

MESSAGE_NAME_PATTERN = re.compile(r"[A-Za-z0-9_.@-]{1,200}\Z")
SUFFIX = ".eml"


@dataclass(frozen=True, slots=True)
class StoredMessage:
    """One message as a person looks at it. `name` identifies it in URLs; `sent_at` is when it was written."""

    name: str
    subject: str
    sender: str
    to: str
    sent_at: datetime
    text: str = ""
    html: str = ""


class DevMailboxBackend(BaseEmailBackend):
    """Write messages to settings.MAILBOX_DIR. The same Message-ID overwrites: sent twice, it is there once."""

    def __init__(self, fail_silently: bool = False, **_: Any) -> None:
        super().__init__(fail_silently=fail_silently)

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        for message in email_messages:
            _write(message)
        return len(email_messages)


def _folder() -> Path | None:
    return Path(settings.MAILBOX_DIR) if settings.MAILBOX_DIR else None


def _write(message: EmailMessage) -> None:
    """Write under another name first, so that no reader ever sees half a message."""
    folder = _folder()
    if folder is None:
        raise OSError("MAILBOX_DIR is not set.")
    folder.mkdir(parents=True, exist_ok=True)
    wire = message.message()
    name = re.sub(r"[^A-Za-z0-9_.@-]", "-", str(wire["Message-ID"]).strip("<> "))[:200].lstrip(".") or "unnamed"
    handle, draft = tempfile.mkstemp(dir=folder, prefix=".")
    with os.fdopen(handle, "wb") as file:
        file.write(wire.as_bytes())
    Path(draft).replace(folder / f"{name}{SUFFIX}")


def list_messages(*, limit: int = 100) -> list[StoredMessage]:
    """Return the newest messages, without their bodies."""
    folder = _folder()
    if folder is None or not folder.is_dir():
        return []
    newest = sorted(folder.glob(f"[!.]*{SUFFIX}"), key=_modified_at, reverse=True)[:limit]
    return [_summary(path, _parse(path)) for path in newest]


def read_message(name: str) -> StoredMessage:
    """Return one message with its bodies; raises NotFound for anything that is not a message in the folder."""
    folder = _folder()
    path = (
        folder / f"{name}{SUFFIX}" if folder and MESSAGE_NAME_PATTERN.match(name) and not name.startswith(".") else None
    )
    if path is None or not path.is_file():
        raise NotFound("No such message.")
    parsed = _parse(path)
    summary = _summary(path, parsed)
    bodies = {"text": _body(parsed, "plain"), "html": _body(parsed, "html")}
    return StoredMessage(
        summary.name, summary.subject, summary.sender, summary.to, summary.sent_at, bodies["text"], bodies["html"]
    )


def _modified_at(path: Path) -> float:
    return path.stat().st_mtime


def _parse(path: Path) -> Parsed:
    return message_from_bytes(path.read_bytes(), policy=policy.default)


def _summary(path: Path, parsed: Parsed) -> StoredMessage:
    return StoredMessage(
        name=path.name.removesuffix(SUFFIX),
        subject=str(parsed["Subject"] or ""),
        sender=str(parsed["From"] or ""),
        to=str(parsed["To"] or ""),
        sent_at=datetime.fromtimestamp(_modified_at(path), UTC),
    )


def _body(parsed: Parsed, subtype: str) -> str:
    part = parsed.get_body(preferencelist=("html" if subtype == "html" else "plain",))
    return str(part.get_content()) if part is not None else ""
