"""Read the notifications in a user's inbox."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from django.db.models import QuerySet
from django.utils.translation import gettext

from accounts.models import User
from core.api.pagination import Page, PageRequest, Sort, paginate
from core.errors import NotFound
from notifications.models import Notification
from tasks.items import selectors as items_selectors
from tasks.projects import selectors as projects_selectors

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


def mark_unavailable(user: User, notifications: Sequence[Notification]) -> None:
    """Set `is_unavailable` where the target is deleted or hidden from the user."""
    task_ids = {item.task_id for item in notifications if item.task_id}
    tasks = items_selectors.visible_ids(user, task_ids) if task_ids else set()
    project_ids = {item.project_id for item in notifications if item.project_id and not item.task_id}
    projects = set(projects_selectors.visible_project_ids(user)) if project_ids else set()
    for item in notifications:
        target, visible = (item.task_id, tasks) if item.task_id else (item.project_id, projects)
        item.is_unavailable = target is not None and target not in visible


def get_notification(user: User, notification_id: UUID) -> Notification:
    """Return one notification of the user's inbox; raises NotFound."""
    notification = filter_inbox(user).filter(pk=notification_id).first()
    if notification is None:
        raise NotFound(gettext("No such notification."))
    return notification


def unread_count(user: User) -> int:
    """Return the exact number of unread notifications: one scan of the index `inbox_unread_newest_first`."""
    return filter_inbox(user, unread=True).count()
