"""Rules of a task's dates: one kind of due date, and no start after it."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, datetime
from zoneinfo import ZoneInfo

from django.utils.translation import gettext

from core.api.fields import SUPPORTED_YEARS
from core.errors import Invalid


def check_dates(
    start_date: date | None,
    due_date: date | None,
    due_at: datetime | None,
    *,
    zone: str,
    changed: Collection[str] = ("start_date",),
) -> None:
    """Raise Invalid unless the dates go together; the error names one of the `changed` fields.

    The day of an instant is that of the time zone.
    """
    if due_date and due_at:
        raise Invalid.field("due_at", gettext("A task is due on a day or at an instant, not both."), "both_given")
    for name, day in (("start_date", start_date), ("due_date", due_date), ("due_at", due_at)):
        if day and day.year not in SUPPORTED_YEARS:
            raise Invalid.field(name, gettext("This date is too far away."), "invalid")
    due_day = due_at.astimezone(ZoneInfo(zone)).date() if due_at else due_date
    if not (start_date and due_day and start_date > due_day):
        return
    if "start_date" in changed:
        raise Invalid.field("start_date", gettext("The start must not be after the due date."), "start_after_due")
    name = "due_at" if due_at else "due_date"
    raise Invalid.field(name, gettext("The due date must not be before the start."), "start_after_due")
