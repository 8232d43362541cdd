"""Questions about what people were told."""

from __future__ import annotations

from uuid import UUID

from django.db.models import QuerySet

from accounts.models import User
from core.api.pagination import Page, PageRequest, Sort, paginate
from core.errors import NotFound
from notifications.models import Notification

SORTS = {"created_at": Sort("created_at")}
NEWEST_FIRST = "-created_at"


def filter_inbox(user: User, *, kind: str = "", unread: bool | None = None) -> QuerySet[Notification]:
    """Everything in this person's inbox, narrowed as asked."""
    found = Notification.objects.for_user(user.pk).in_inbox()
    if kind:
        found = found.filter(kind=kind)
    if unread is not None:
        found = found.filter(read_at__isnull=unread)
    return found


def list_notifications(
    user: User, window: PageRequest, *, kind: str = "", unread: bool | None = None
) -> Page[Notification]:
    return paginate(filter_inbox(user, kind=kind, unread=unread), window)


def get_notification(user: User, notification_id: UUID) -> Notification:
    found = filter_inbox(user).filter(pk=notification_id).first()
    if found is None:
        raise NotFound("No such notification.")
    return found


def unread_count(user: User) -> int:
    """Answered by one scan of the index `inbox_unread_newest_first`; not cached, because it must be right."""
    return filter_inbox(user, unread=True).count()
