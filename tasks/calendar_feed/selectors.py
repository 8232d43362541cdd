"""Reads of calendar feeds: whose they are, and which tasks they hold."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Q
from django.utils.translation import gettext_noop

from accounts.models import User
from core.errors import NotFound
from core.security.hashing import sha256_hex
from core.time_zones import sql_time_zone
from tasks.models import CalendarFeed, Task
from tasks.models.due_dates import due_instant

FEED_NOT_FOUND = gettext_noop("There is no such calendar.")
MAX_TASKS = 1000
# Calendars show what is past too, but nobody scrolls back for years.
PAST = timedelta(days=90)


@dataclass(frozen=True, slots=True)
class FeedState:
    """Whether a user has a feed. Its address is known only when it is created."""

    created_at: datetime | None = None
    url: str | None = None


def get_feed(user: User) -> FeedState:
    """Return the state of the user's own feed."""
    feed = CalendarFeed.objects.filter(user=user).first()
    return FeedState(created_at=feed.created_at) if feed else FeedState()


def get_feed_owner(token: str) -> User:
    """Return whose feed has this token. Raises NotFound, also for a user who was deactivated."""
    feeds = CalendarFeed.objects.filter(token_digest=sha256_hex(token), user__is_active=True)
    feed = feeds.select_related("user").first()
    if feed is None:
        raise NotFound(FEED_NOT_FOUND)
    return feed.user


def list_feed_tasks(user: User, *, now: datetime) -> list[Task]:
    """Return the visible tasks that are assigned to the user and due, the earliest first.

    Open tasks, however late, and closed ones of the last PAST; at most MAX_TASKS.
    """
    rows = Task.objects.visible_to(user).assigned_to([str(user.pk)]).exclude(due_date=None, due_at=None)
    rows = rows.filter(Q(closed_at=None) | Q(closed_at__gte=now - PAST))
    ordered = rows.order_by(due_instant(sql_time_zone(user.time_zone)), "pk")
    return list(ordered.select_related("project", "state").defer("search", "description_html")[:MAX_TASKS])
