"""Reactions to attachment events."""

from __future__ import annotations

import uuid

import structlog

from events.models import Event
from tasks.attachments import processing
from tasks.attachments.clamd import ScannerUnavailable

log = structlog.get_logger(__name__)


def process_added_file(event: Event) -> None:
    """Scan the file and draw its thumbnail (`task.attachment_added`)."""
    try:
        processing.process(file_id=uuid.UUID(event.payload["file_id"]))
    except ScannerUnavailable as error:
        # It stays in quarantine, and the schedule tries again.
        log.warning("scanner_unavailable", reason=str(error))
