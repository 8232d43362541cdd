from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import Q

from accounts.models import User
from core.errors import NotFound
from notifications.inbox import selectors
from notifications.models import Notification

READ_RETENTION = timedelta(days=90)
UNREAD_RETENTION = timedelta(days=365)
PURGE_BATCH_SIZE = 5000


def mark_read(*, actor: User, notification_id: UUID, now: datetime) -> None:
    _set_read_at(actor, notification_id, read_at=now)


def mark_unread(*, actor: User, notification_id: UUID) -> None:
    _set_read_at(actor, notification_id, read_at=None)


@transaction.atomic
def _set_read_at(actor: User, notification_id: UUID, *, read_at: datetime | None) -> None:
    """Saying it twice changes nothing: the first reading keeps its time."""
    own = Notification.objects.for_user(actor.pk).in_inbox().filter(pk=notification_id)
    changed = own.filter(read_at__isnull=read_at is not None).update(read_at=read_at)
    if not changed and not own.exists():
        raise NotFound("No such notification.")


@transaction.atomic
def mark_all_read(*, actor: User, now: datetime, until: UUID | None = None) -> int:
    """Mark everything read, or everything up to one notification: what arrived since it was seen stays unread."""
    unread = Notification.objects.for_user(actor.pk).in_inbox().unread()
    if until is not None:
        last_seen = selectors.get_notification(actor, until)
        unread = unread.filter(created_at__lte=last_seen.created_at)
    return unread.update(read_at=now)


def purge(*, now: datetime) -> int:
    """Delete what was read long ago and what nobody read for a year, in batches; returns how many rows."""
    old = Notification.objects.filter(
        Q(created_at__lt=now - READ_RETENTION, read_at__isnull=False)
        | Q(created_at__lt=now - READ_RETENTION, in_inbox=False)
        | Q(created_at__lt=now - UNREAD_RETENTION)
    )
    total = 0
    while batch := list(old.order_by("created_at").values_list("pk", flat=True)[:PURGE_BATCH_SIZE]):
        total += len(batch)
        Notification.objects.filter(pk__in=batch).delete()
    return total
