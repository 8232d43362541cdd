"""Work on stored files by a worker: the scan for malware, then the thumbnail."""

from __future__ import annotations

import tempfile
import uuid

import structlog
from django.conf import settings
from django.core.files.base import ContentFile
from django.db import transaction

from events.outbox import publish_all
from tasks import events
from tasks.attachments import clamd
from tasks.attachments.storage import get_storage
from tasks.attachments.thumbnails import NoThumbnail, make_pdf_thumbnail, make_thumbnail
from tasks.imports.limits import LimitExceeded, limits
from tasks.models import StoredFile, Task

State = StoredFile.State
MAX_SECONDS = 60
MAX_MEGABYTES = 400
# Quarantined files that one run of the schedule looks at; the next run continues.
SCANS_PER_RUN = 100
# Above this a copy of the content is on the disk, not in memory.
MAX_MEMORY_BYTES = 1024 * 1024
log = structlog.get_logger(__name__)


@transaction.atomic
def process(*, file_id: uuid.UUID) -> None:
    """Scan a quarantined file, then draw the thumbnail of an image or PDF. Does nothing for what was done already.

    Raises ScannerUnavailable; the file stays in quarantine then.
    """
    # A run that comes second leaves the work to the first one.
    file = StoredFile.objects.select_for_update(skip_locked=True).filter(pk=file_id).first()
    if file is None or file.state == State.INFECTED:
        return
    storage = get_storage()
    if file.state == State.QUARANTINED:
        malware = clamd.scan(settings.CLAMAV_URL, storage.open_range(file.name, 0, file.size))
        file.state = State.INFECTED if malware else State.STORED
        if malware:
            log.warning("malware_found", file=str(file.pk), malware=malware)
            _publish_infected(file, malware)
            # After the commit: a row that still offers the content must have it. robust: the collector repeats it.
            transaction.on_commit(lambda: storage.delete(file.name), robust=True)
    if file.state == State.STORED and (file.is_image or file.is_pdf) and not file.thumbnail_size:
        file.thumbnail_size = _store_thumbnail(file)
    file.save(update_fields=["state", "thumbnail_size"])


def _publish_infected(file: StoredFile, malware: str) -> None:
    attachments = list(file.attachments.order_by("pk"))
    tasks = Task.objects.with_relations().in_bulk([attachment.task_id for attachment in attachments])
    published = (
        events.TaskAttachmentInfected(
            task=tasks[attachment.task_id].payload(),
            attachment_id=str(attachment.pk),
            file_name=attachment.name,
            uploader_id=str(attachment.uploader_id),
            malware=malware,
        )
        for attachment in attachments
    )
    publish_all(published, actor=None)


def _store_thumbnail(file: StoredFile) -> int:
    """Draw and store the thumbnail; return its size, 0 for none."""
    storage = get_storage()
    with tempfile.SpooledTemporaryFile(MAX_MEMORY_BYTES, dir=settings.FILE_UPLOAD_TEMP_DIR) as copy:
        for chunk in storage.open_range(file.name, 0, file.size):
            copy.write(chunk)
        copy.seek(0)
        try:
            with limits(seconds=MAX_SECONDS, megabytes=MAX_MEGABYTES):
                thumbnail = make_pdf_thumbnail(copy) if file.is_pdf else make_thumbnail(copy)
        except (NoThumbnail, LimitExceeded):
            return 0
    # Of an earlier run that did not commit.
    storage.delete(file.thumbnail_name)
    storage.save(file.thumbnail_name, ContentFile(thumbnail))
    return len(thumbnail)


def scan_quarantined() -> int:
    """Scan files that wait in quarantine; return how many. Stops when the scanner is not there."""
    quarantined = StoredFile.objects.filter(state=State.QUARANTINED).order_by("pk")
    file_ids = list(quarantined.values_list("pk", flat=True)[:SCANS_PER_RUN])
    for number, file_id in enumerate(file_ids):
        try:
            process(file_id=file_id)
        except clamd.ScannerUnavailable as error:
            log.warning("scanner_unavailable", reason=str(error))
            return number
    return len(file_ids)
