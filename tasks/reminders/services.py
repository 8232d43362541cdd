"""Writes of a user's own reminders: add, delete. Others learn nothing of them, so they have no events."""

from __future__ import annotations

import uuid
from datetime import datetime, time

from django.db import transaction
from django.utils.translation import gettext

from accounts.models import User
from core.api.fields import SUPPORTED_YEARS
from core.errors import Invalid, NotFound
from tasks import policies
from tasks.items import selectors as items_selectors
from tasks.models import Reminder
from tasks.models.reminder import MAX_DAYS_BEFORE, MAX_MINUTES_BEFORE
from tasks.reminders import selectors
from tasks.reminders.timing import fire_time
from tasks.trash.storage import collect, discard

MAX_REMINDERS = 10


@transaction.atomic
def add(
    *,
    actor: User,
    ref: str,
    now: datetime,
    at: datetime | None = None,
    minutes_before: int | None = None,
    days_before: int | None = None,
    time: time | None = None,
) -> Reminder:
    """Remind the actor of a task: at an instant, minutes before it is due, or at a time some days before.

    Everybody who sees the task may. Raises NotFound, Conflict, Invalid.
    """
    locked = items_selectors.lock_task(actor, ref)
    task = locked.task
    policies.require_not_archived(task.project)
    kinds = [at is not None, minutes_before is not None, days_before is not None]
    if sum(kinds) != 1 or (days_before is None) != (time is None):
        message = gettext("Send one of: at, minutes_before, or days_before with time.")
        raise Invalid.field("at", message, "one_kind")
    if not 0 <= (minutes_before or 0) <= MAX_MINUTES_BEFORE:
        raise Invalid.field(
            "minutes_before",
            gettext("At most %(max_minutes_before)s minutes before: one year.")
            % {"max_minutes_before": MAX_MINUTES_BEFORE},
            "max_value",
        )
    if not 0 <= (days_before or 0) <= MAX_DAYS_BEFORE:
        raise Invalid.field(
            "days_before",
            gettext("At most %(max_days_before)s days before.") % {"max_days_before": MAX_DAYS_BEFORE},
            "max_value",
        )
    values = {"at": at, "minutes_before": minutes_before, "days_before": days_before, "time": time}
    reminder = Reminder(task=task, user=actor, created_at=now, since=now, **values)
    name = next(name for name, value in values.items() if value is not None)
    reminder.fires_at = fire_time(reminder, task, actor)
    if reminder.fires_at is None:
        raise Invalid.field(name, gettext("Give the task a due date first."), "no_due_date")
    if reminder.fires_at <= now or reminder.fires_at.year not in SUPPORTED_YEARS:
        raise Invalid.field(name, gettext("This reminder would be in the past."), "past")
    # The task is locked, so no other request of the same user counts at the same time.
    if selectors.list_own_reminders(actor, task).count() >= MAX_REMINDERS:
        raise Invalid.field(
            name,
            gettext("At most %(max_reminders)s reminders for a task.") % {"max_reminders": MAX_REMINDERS},
            "too_many",
        )
    if selectors.list_own_reminders(actor, task).filter(**values).exists():
        raise Invalid.field(name, gettext("You have this reminder already."), "taken")
    reminder.save(force_insert=True)
    return reminder


@transaction.atomic
def delete(
    *, actor: User, ref: str, reminder_id: uuid.UUID, now: datetime, versions: frozenset[int] | None = None
) -> None:
    """Move a reminder of the actor's own to the trash, also in an archived project. Raises NotFound."""
    ids = items_selectors.visible_project_id(actor, items_selectors.parse_ref(ref))
    rows = Reminder.objects.select_for_update(of=("self",)).select_related("task__project")
    reminder = rows.filter(pk=reminder_id, user=actor, task=ids[0]).first() if ids else None
    if reminder is None:
        # The same for a task that is not visible: who has no reminder learns nothing more.
        raise NotFound(gettext("There is no such reminder of yours."))
    title = f"Reminder of {reminder.task.key}"
    discard(collect(reminder), kind="reminder", obj=reminder, title=title, project=None, actor=actor, now=now)
