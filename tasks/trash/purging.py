"""Permanent deletion of what is in the trash."""

from __future__ import annotations

import uuid
from datetime import datetime

from django.db import transaction

from accounts.models import User
from tasks.models import TrashEntry
from tasks.trash import selectors


@transaction.atomic
def purge(*, actor: User, entry_id: uuid.UUID) -> None:
    """Delete one entry permanently. Raises NotFound, NotAllowed."""
    entry = selectors.lock_entry(actor, entry_id)
    selectors.require_purger(actor, entry)
    entry.delete()


PURGE_BATCH_SIZE = 100


def purge_expired(*, now: datetime) -> int:
    """Delete the entries whose time is over, a batch per transaction; return how many."""
    count = 0
    while True:
        with transaction.atomic():
            # An entry that is being restored is left for the next run.
            expired = TrashEntry.objects.filter(purge_at__lte=now).order_by("purge_at")
            ids = list(expired.select_for_update(skip_locked=True).values_list("pk", flat=True)[:PURGE_BATCH_SIZE])
            TrashEntry.objects.filter(pk__in=ids).delete()
        count += len(ids)
        if len(ids) < PURGE_BATCH_SIZE:
            return count
