"""Queries for a user's own exports."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import datetime

from django.db.models import QuerySet

from accounts.models import Export, ExportChunk, User
from core.db import get_or_404


def list_exports(user: User, now: datetime) -> QuerySet[Export]:
    """Return the user's own exports that have not expired."""
    return Export.objects.current(now).filter(user=user)


def get_export(user: User, export_id: uuid.UUID, now: datetime) -> Export:
    """Return one of the user's own exports. Raises NotFound."""
    return get_or_404(list_exports(user, now).filter(pk=export_id), "There is no such export.")


def iter_archive(export: Export) -> Iterator[bytes]:
    """Yield the archive chunk by chunk, so that no more than one is in memory."""
    chunks = ExportChunk.objects.filter(export=export).values_list("data", flat=True)
    number = 0
    while data := chunks.filter(number=number).first():
        yield bytes(data)
        number += 1
