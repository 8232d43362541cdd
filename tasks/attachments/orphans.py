"""Collection of files that no attachment has: those of deleted ones, and of uploads that never finished."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from uuid import UUID

import structlog
from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from tasks.attachments.storage import get_storage
from tasks.models import Attachment, StoredFile

# From the first run that finds a file without an attachment. The trash keeps its entries shorter than this.
RETENTION = timedelta(days=30)
# Of a file without a row: longer than any upload, and than it takes to notice that a backup was restored.
STRAY_RETENTION = timedelta(days=30)
# Rows deleted in one run; the next one continues.
MAX_DELETIONS = 1000
BATCH_SIZE = 500
log = structlog.get_logger(__name__)


def collect(*, now: datetime) -> int:
    """Delete files that nothing has referred to for RETENTION; return how many."""
    referenced = Q(Exists(Attachment.objects.filter(file=OuterRef("pk"))))
    StoredFile.objects.filter(referenced, unreferenced_since__isnull=False).update(unreferenced_since=None)
    StoredFile.objects.filter(~referenced, unreferenced_since=None).update(unreferenced_since=now)
    due = StoredFile.objects.filter(~referenced, unreferenced_since__lte=now - RETENTION)
    deleted = 0
    for file_id in list(due.order_by("unreferenced_since").values_list("pk", flat=True)[:MAX_DELETIONS]):
        deleted += _delete(due, file_id)
    return deleted + _delete_strays(now)


@transaction.atomic
def _delete(due: QuerySet[StoredFile], file_id: UUID) -> int:
    # The lock makes a restore, which refers to the row, wait or find it gone.
    file = due.select_for_update(of=("self",)).filter(pk=file_id).first()
    if file is None:
        return 0
    # The content first: a crash in between leaves a row that the next run deletes.
    storage = get_storage()
    storage.delete(file.name)
    storage.delete(file.thumbnail_name)
    file.delete()
    return 1


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
