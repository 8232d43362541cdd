"""Collection of files that nothing refers to: those of purged attachments, and of uploads that never finished."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef, Q

from tasks.attachments.storage import get_storage
from tasks.models import Attachment, Project, StoredFile, TrashEntry
from tasks.trash import selectors as trash_selectors

# From the first run that finds a file without an attachment, here or in the trash: as long as it may take to notice that
# the database was restored to an earlier time.
RETENTION = timedelta(days=7)
# Of a file without a row, by the time in the storage.
STRAY_RETENTION = timedelta(days=30)
# Longer than any upload.
UPLOAD_TERM = timedelta(days=1)
# Rows deleted in one run; the next one continues.
MAX_DELETIONS = 1000
BATCH_SIZE = 500
log = structlog.get_logger(__name__)


def collect(*, now: datetime) -> int:
    """Delete files that nothing has referred to for RETENTION; return how many."""
    attached = Q(Exists(Attachment.objects.filter(file=OuterRef("pk"))))
    in_trash = {UUID(file_id) for file_id in trash_selectors.stored_values("tasks.Attachment", "file_id")}
    marked = StoredFile.objects.filter(unreferenced_since__isnull=False)
    marked.filter(attached | Q(pk__in=in_trash)).update(unreferenced_since=None)
    unmarked = StoredFile.objects.filter(~attached, unreferenced_since=None).values_list("pk", flat=True)
    orphans = [file_id for file_id in unmarked.iterator() if file_id not in in_trash]
    for start in range(0, len(orphans), BATCH_SIZE):
        StoredFile.objects.filter(pk__in=orphans[start : start + BATCH_SIZE]).update(unreferenced_since=now)
    due = marked.filter(unreferenced_since__lte=now - RETENTION).order_by("unreferenced_since")
    file_ids = list(due.values_list("pk", flat=True)[:MAX_DELETIONS])
    _delete_interrupted_uploads(now)
    return sum(_delete(file_id) for file_id in file_ids) + _delete_strays(now)


def release_files(*, project: Project, now: datetime) -> None:
    """Let the next run delete the files of a project that is being erased."""
    files = set(Attachment.objects.filter(task__project=project).values_list("file_id", flat=True))
    entries = TrashEntry.objects.filter(project=project, rows__has_key="tasks.Attachment")
    for rows in entries.values_list("rows__tasks.Attachment", flat=True):
        files |= {UUID(row["file_id"]) for row in rows}
    StoredFile.objects.filter(pk__in=files).update(unreferenced_since=now - RETENTION)


@transaction.atomic
def _delete(file_id: UUID) -> int:
    # The lock makes a restore from the trash wait, and find the file gone. Whether it is attached is read after the lock
    # was taken, or a restore that has just been committed would be missed.
    file = StoredFile.objects.select_for_update().filter(pk=file_id).first()
    if file is None or file.attachments.exists():
        return 0
    # The content first: a crash in between leaves a row that the next run deletes.
    storage = get_storage()
    storage.delete(file.name)
    storage.delete(file.thumbnail_name)
    file.delete()
    return 1


def _delete_interrupted_uploads(now: datetime) -> None:
    """Delete Django's temporary files of requests whose process was killed."""
    # The system's own folder is cleaned by the system.
    if settings.FILE_UPLOAD_TEMP_DIR:
        for path in Path(settings.FILE_UPLOAD_TEMP_DIR).glob("tmp*.upload*"):
            with suppress(FileNotFoundError):  # the request has just ended
                if path.stat().st_mtime < (now - UPLOAD_TERM).timestamp():
                    path.unlink()


def _delete_strays(now: datetime) -> int:
    """Delete old files that have no row.

    A server that dies between storing and inserting leaves them.
    """
    storage = get_storage()
    deleted = 0
    batch: list[str] = []
    for name in _stored_names():
        batch.append(name)
        if len(batch) == BATCH_SIZE:
            deleted += _delete_strays_among(batch, now)
            batch = []
    deleted += _delete_strays_among(batch, now)
    if deleted:
        log.warning("stray_files_deleted", files=deleted, storage=type(storage).__name__)
    return deleted


def _stored_names() -> Iterator[str]:
    """Yield the names in the folders `year/month/` of the storage."""
    storage = get_storage()
    for year in _folders(""):
        for month in _folders(year):
            yield from (f"{year}/{month}/{name}" for name in storage.listdir(f"{year}/{month}")[1])


def _folders(path: str) -> list[str]:
    try:
        return [name for name in get_storage().listdir(path)[0] if name.isdecimal()]
    except FileNotFoundError:
        return []


def _delete_strays_among(names: list[str], now: datetime) -> int:
    storage = get_storage()
    known = set(
        StoredFile.objects.filter(name__in={name.removesuffix(".webp") for name in names}).values_list(
            "name", flat=True
        )
    )
    strays = [
        name
        for name in names
        if name.removesuffix(".webp") not in known and storage.get_modified_time(name) < now - STRAY_RETENTION
    ]
    for name in strays:
        storage.delete(name)
    return len(strays)
