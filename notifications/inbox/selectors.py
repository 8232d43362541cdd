"""Read the notifications in a user's inbox."""

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
    """Return the notifications in this user's inbox, filtered by kind and by unread."""
    notifications = Notification.objects.for_user(user.pk).in_inbox()
    if kind:
        notifications = notifications.filter(kind=kind)
    if unread is not None:
        notifications = notifications.filter(read_at__isnull=unread)
    return notifications


def list_notifications(
    user: User, page_request: PageRequest, *, kind: str = "", unread: bool | None = None
) -> Page[Notification]:
    """Return one page of the inbox; raises Invalid for a foreign or malformed cursor."""
    return paginate(filter_inbox(user, kind=kind, unread=unread), page_request)


def get_notification(user: User, notification_id: UUID) -> Notification:
    """Return one notification of the user's inbox; raises NotFound."""
    notification = filter_inbox(user).filter(pk=notification_id).first()
    if notification is None:
        raise NotFound("No such notification.")
    return notification


def unread_count(user: User) -> int:
    """Return the exact number of unread notifications: one scan of the index `inbox_unread_newest_first`."""
    return filter_inbox(user, unread=True).count()
