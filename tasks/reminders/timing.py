"""When a reminder fires, and how it reads."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.utils import formats
from django.utils.translation import gettext

from accounts.models import User
from tasks.models import Reminder, Task

MINUTES = {"week": 10_080, "day": 1440, "hour": 60, "minute": 1}


def fire_time(reminder: Reminder, task: Task, user: User) -> datetime | None:
    """Return when a reminder fires; None as long as the task has no due date.

    The minutes before a task that is due all day count from the user's reminder time on that day.
    """
    if reminder.at:
        return reminder.at
    zone = user_zone(user)
    due_day = task.due_at.astimezone(zone).date() if task.due_at else task.due_date
    if due_day is None:
        return None
    if reminder.minutes_before is not None:
        due_at = task.due_at or datetime.combine(due_day, user.reminder_time, zone)
        return due_at.astimezone(UTC) - timedelta(minutes=reminder.minutes_before)
    # By the constraint a_reminder_is_of_one_kind.
    assert reminder.days_before is not None
    assert reminder.time is not None
    return datetime.combine(due_day - timedelta(days=reminder.days_before), reminder.time, zone).astimezone(UTC)


def user_zone(user: User) -> ZoneInfo:
    try:
        return ZoneInfo(user.time_zone)
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")


def describe(reminder: Reminder, user: User) -> str:
    """Return the reminder in words."""
    if reminder.at:
        return formats.date_format(reminder.at.astimezone(user_zone(user)), gettext("j F Y, H:i"))
    if reminder.minutes_before is not None:
        if reminder.minutes_before == 0:
            return gettext("When it's due")
        unit = next(name for name, size in MINUTES.items() if reminder.minutes_before % size == 0)
        return gettext("%(unit)s before it's due") % {"unit": _counted(reminder.minutes_before // MINUTES[unit], unit)}
    days = {0: "on the due day", 1: "on the day before"}
    day = days.get(reminder.days_before or 0) or gettext("%(days_before)s days before") % {
        "days_before": reminder.days_before
    }
    return f"At {reminder.time:%H:%M} {day}"


def _counted(count: int, unit: str) -> str:
    return f"{count} {unit}{'' if count == 1 else 's'}"
