from __future__ import annotations

from datetime import datetime

from django.utils.translation import gettext

from accounts.models import User
from core.errors import Conflict
from tasks.bulk import deletions
from tasks.models import BulkJob, TrashEntry


def restore(actor: User, kind: str, object_id: str, now: datetime) -> BulkJob | None:
    """Restore an object that a write moved to the trash; return the job that does, if one does. Raises Conflict."""
    entries = TrashEntry.objects.visible_to(actor).filter(kind=kind, object_id=object_id)
    entry_id = entries.values_list("pk", flat=True).first()
    if entry_id is None:
        raise Conflict(gettext("It is no longer in the trash."), code="not_in_trash")
    restored = deletions.restore(actor=actor, entry_id=entry_id, now=now)
    return restored if isinstance(restored, BulkJob) else None
