"""The job of reminders: it computes when they fire, claims those whose time has come, and publishes their events."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from datetime import datetime

from django.db import transaction

from events.outbox import publish_all
from tasks import events
from tasks.models import Reminder, Task
from tasks.reminders.timing import fire_time

# The job runs every minute; a backlog is worked off in transactions of this size.
BATCH_SIZE = 500
MAX_BATCHES = 20


def send_due(*, now: datetime) -> int:
    """Publish the events of the reminders whose time has come, and return their number.

    `now` is the time of the database. Each is published once, however many schedulers there are, and also after a
    downtime. Those of closed tasks and archived projects pass without one.
    """
    # Bounded: each turn takes other rows, and there are at most MAX_BATCHES.
    for _ in range(MAX_BATCHES):
        if _reschedule(now) < BATCH_SIZE:
            break
    count = 0
    for _ in range(MAX_BATCHES):
        claimed, published = _claim(now)
        count += published
        if claimed < BATCH_SIZE:
            break
    return count


@transaction.atomic
def _reschedule(now: datetime) -> int:
    """Compute again when stale reminders fire: another due date, or time zone."""
    stale = Reminder.objects.filter(is_stale=True).select_for_update(skip_locked=True, of=("self",), no_key=True)
    reminders = list(stale.select_related("task", "user").order_by("pk")[:BATCH_SIZE])
    for reminder in reminders:
        reminder.fires_at = fire_time(reminder, reminder.task, reminder.user)
        reminder.is_stale = False
        # A time that was past already when the due date was moved passes without a reminder.
        if reminder.fires_at and reminder.fires_at <= reminder.since:
            reminder.sent_at = reminder.sent_at or now
    Reminder.objects.bulk_update(reminders, ["fires_at", "is_stale", "sent_at"])
    return len(reminders)


@transaction.atomic
def _claim(now: datetime) -> tuple[int, int]:
    """Claim due reminders and publish those of open tasks; returns the numbers of both."""
    due = Reminder.objects.filter(sent_at=None, fires_at__lte=now).order_by("fires_at", "pk")
    # Filtered in the locking query itself: PostgreSQL evaluates the conditions again once it holds the lock.
    reminders = list(due.select_for_update(skip_locked=True, no_key=True)[:BATCH_SIZE])
    Reminder.objects.filter(pk__in=[reminder.pk for reminder in reminders]).update(sent_at=now)
    tasks = Task.objects.open().filter(project__archived_at=None, pk__in={reminder.task_id for reminder in reminders})
    payloads = {task.pk: task.payload() for task in tasks.with_relations()}
    published = [
        events.TaskReminderDue(
            task=payloads[reminder.task_id], user_id=str(reminder.user_id), reminder_id=str(reminder.pk)
        )
        for reminder in reminders
        if reminder.task_id in payloads
    ]
    publish_all(published, actor=None, at=now)
    return len(reminders), len(published)


def mark_stale(user_ids: Iterable[uuid.UUID], now: datetime) -> None:
    """Have the reminders of these users that are still to come computed anew."""
    Reminder.objects.filter(user__in=list(user_ids), at=None, sent_at=None).update(is_stale=True, since=now)
