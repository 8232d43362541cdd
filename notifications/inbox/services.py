"""Mark notifications as read or unread, and purge old ones."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext

from accounts.models import User
from core.errors import NotFound
from notifications.inbox import selectors
from notifications.models import Notification

# An inbox is no archive: what happened to a task stays in its activity.
READ_RETENTION = timedelta(days=90)
UNREAD_RETENTION = timedelta(days=365)
PURGE_BATCH_SIZE = 5000


def mark_read(*, actor: User, notification_id: UUID, now: datetime) -> None:
    """Mark one notification as read; raises NotFound."""
    _set_read_at(actor, notification_id, read_at=now)


def mark_unread(*, actor: User, notification_id: UUID) -> None:
    """Mark one notification as unread; raises NotFound."""
    _set_read_at(actor, notification_id, read_at=None)


@transaction.atomic
def _set_read_at(actor: User, notification_id: UUID, *, read_at: datetime | None) -> None:
    """Set or clear `read_at`; a notification that is read already keeps its time."""
    own = Notification.objects.for_user(actor.pk).in_inbox().filter(pk=notification_id)
    # One UPDATE decides; two clicks at the same time leave the first time.
    changed = own.filter(read_at__isnull=read_at is not None).update(read_at=read_at)
    if not changed and not own.exists():
        raise NotFound(gettext("No such notification."))


@transaction.atomic
def mark_all_read(*, actor: User, now: datetime, until: UUID | None = None) -> int:
    """Mark notifications up to `until`, or all, as read; return how many were unread.

    What arrived after the last one on the reader's screen stays unread. Raises NotFound for an unknown `until`.
    """
    unread = Notification.objects.for_user(actor.pk).in_inbox().unread()
    if until is not None:
        unread = unread.filter(created_at__lte=selectors.get_notification(actor, until).created_at)
    return unread.update(read_at=now)


def purge(*, now: datetime) -> int:
    """Delete notifications read 90 days ago or unread for a year, in batches; return how many."""
    old = Notification.objects.filter(
        Q(created_at__lt=now - READ_RETENTION, read_at__isnull=False)
        | Q(created_at__lt=now - READ_RETENTION, in_inbox=False)
        | Q(created_at__lt=now - UNREAD_RETENTION)
    )
    count = 0
    # In batches, so that no transaction holds locks for long.
    while batch := list(old.order_by("created_at").values_list("pk", flat=True)[:PURGE_BATCH_SIZE]):
        count += len(batch)
        Notification.objects.filter(pk__in=batch).delete()
    return count
