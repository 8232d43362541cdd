"""Moves of tasks in the calendar: to another day, at the same time of the day."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from accounts.models import User
from core.etags import merge_changes
from tasks.calendar.selectors import due_day
from tasks.items import services as items
from tasks.models import Task


def move_to_day(
    *,
    actor: User,
    task: Task,
    day: date | None,
    now: datetime,
    seen: date | None = None,
    versions: frozenset[int] | None = None,
) -> Task:
    """Make a task due on another day, or on none. Raises NotFound, NotAllowed, Conflict, Invalid, VersionConflict.

    `seen` is the day that the actor has seen: only another due date is a conflict.
    """
    changes = due_changes(task, day, ZoneInfo(actor.time_zone))
    has_seen = seen == due_day(task, ZoneInfo(actor.time_zone))
    return merge_changes(
        lambda versions: items.update(actor=actor, ref=str(task.pk), changes=changes, now=now, versions=versions),
        versions,
        {"due_date": task.due_date, "due_at": task.due_at} if has_seen else {},
    )


def due_changes(task: Task, day: date | None, zone: ZoneInfo) -> dict[str, Any]:
    """Return the changes that make a task due on another day, or on none."""
    if day is None:
        return {"due_date": None, "due_at": None}
    if task.due_at is None:
        return {"due_date": day}
    # A time that the day skips, when clocks go forward, becomes the same distance after the gap.
    return {"due_at": datetime.combine(day, task.due_at.astimezone(zone).time(), zone)}
