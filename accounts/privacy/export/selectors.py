"""Questions about what people take along."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import datetime

from django.db.models import QuerySet

from accounts.models import Export, ExportChunk, User
from core.errors import NotFound


def list_exports(user: User, now: datetime) -> QuerySet[Export]:
    """One's own archives, nobody else's, as long as they last."""
    return Export.objects.current(now).filter(user=user)


def get_export(user: User, export_id: uuid.UUID, now: datetime) -> Export:
    found = list_exports(user, now).filter(pk=export_id).first()
    if found is None:
        raise NotFound("There is no such export.")
    return found


def iter_archive(export: Export) -> Iterator[bytes]:
    """The archive's bytes, a piece at a time."""
    pieces = ExportChunk.objects.filter(export=export).values_list("data", flat=True)
    number = 0
    while data := pieces.filter(number=number).first():
        yield bytes(data)
        number += 1
