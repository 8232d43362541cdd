"""Changes of a task's start and due date in the timeline, as one write."""

from __future__ import annotations

from datetime import date, datetime
from zoneinfo import ZoneInfo

from accounts.models import User
from core.etags import merge_changes
from tasks.calendar.selectors import due_day
from tasks.calendar.services import due_changes
from tasks.items import services as items
from tasks.models import Task


def set_dates(
    *,
    actor: User,
    task: Task,
    start: date | None,
    due: date | None,
    now: datetime,
    seen: tuple[date | None, date | None] = (None, None),
    versions: frozenset[int] | None = None,
) -> Task:
    """Set a task's start and due date; one due at an instant keeps the time of day.

    `seen` are the dates that the actor has seen: only other ones are a conflict. Raises NotFound, NotAllowed, Conflict,
    Invalid, VersionConflict.
    """
    zone = ZoneInfo(actor.time_zone)
    changes = {"start_date": start}
    if due != due_day(task, zone):
        changes |= due_changes(task, due, zone)
    has_seen = seen == (task.start_date, due_day(task, zone))
    initial = {"start_date": task.start_date, "due_date": task.due_date, "due_at": task.due_at} if has_seen else {}
    return merge_changes(
        lambda versions: items.update(actor=actor, ref=str(task.pk), changes=changes, now=now, versions=versions),
        versions,
        initial,
    )
