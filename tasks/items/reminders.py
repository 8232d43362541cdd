"""Reminders of tasks that are due soon."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, datetime, time
from itertools import groupby
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q

from accounts.models import User
from core.serialization import to_json
from events.outbox import publish_all
from tasks import events
from tasks.models import Task, TaskAssignee
from tasks.models.task import TaskQuerySet

# The job runs every minute; a backlog is worked off in small transactions.
BATCH_SIZE = 500


@transaction.atomic
def publish_due_soon(*, now: datetime) -> int:
    """Publish TaskDueSoon for tasks that are due at an instant or on a day; returns the number of events.

    Once for each due date: the task, or the assignment, remembers the one it was published for. So several schedulers do
    not repeat it, one that was away catches up, and a moved due date is published again.
    """
    published = [*_remind_of_instants(now), *_remind_of_days(now)]
    publish_all(published, actor=None, at=now)
    return len(published)


def _remind_of_instants(now: datetime) -> list[events.TaskDueSoon]:
    """Return the events of the tasks due within DUE_SOON_WITHIN, for all their assignees."""
    is_unpublished = Q(due_soon_notified_for=None) | ~Q(due_soon_notified_for=F("due_at"))
    is_assigned = Exists(TaskAssignee.objects.filter(task=OuterRef("pk")))
    # Filtered in the locking query itself: PostgreSQL evaluates the conditions again once it holds the lock.
    due_soon = Task.objects.open().filter(
        is_unpublished, is_assigned, due_at__gt=now, due_at__lte=now + settings.DUE_SOON_WITHIN
    )
    tasks = list(_with_payload(due_soon.select_for_update(skip_locked=True, of=("self",)))[:BATCH_SIZE])
    # Without a new version: nobody who edits the task must get a conflict because of a reminder.
    Task.objects.filter(pk__in=[task.pk for task in tasks]).update(due_soon_notified_for=F("due_at"))
    return [
        events.TaskDueSoon(
            task=task.payload(),
            due=to_json(task.due_at),
            user_ids=sorted(str(user.pk) for user in task.assignees.all()),
        )
        for task in tasks
    ]


def _remind_of_days(now: datetime) -> list[events.TaskDueSoon]:
    """Return the events of the tasks due today, for assignees whose reminder time has come."""
    is_unpublished = Q(reminded_of=None) | ~Q(reminded_of=F("task__due_date"))
    due_today = TaskAssignee.objects.filter(is_unpublished, _reminder_time_has_come(now), task__closed_at=None)
    locked = due_today.order_by("task", "pk").select_for_update(skip_locked=True, of=("self",))
    assignments = list(locked[:BATCH_SIZE])
    TaskAssignee.objects.filter(pk__in=[assignment.pk for assignment in assignments]).update(
        reminded_of=Task.objects.filter(pk=OuterRef("task")).values("due_date")
    )
    user_ids = {
        task_id: sorted(str(assignment.user_id) for assignment in group)
        for task_id, group in groupby(assignments, lambda assignment: assignment.task_id)
    }
    tasks = _with_payload(Task.objects.filter(pk__in=user_ids))
    return [
        events.TaskDueSoon(task=task.payload(), due=to_json(task.due_date), user_ids=user_ids[task.pk])
        for task in tasks
    ]


def _with_payload(tasks: TaskQuerySet) -> TaskQuerySet:
    return tasks.select_related("project", "state").prefetch_related("assignees", "labels")


def _reminder_time_has_come(now: datetime) -> Q:
    """Match assignments whose task is due today, and whose user has passed their reminder time.

    The time zones of users are converted here: PostgreSQL may not know all their names, and many have one offset.
    """
    zones: dict[tuple[date, time], list[str]] = defaultdict(list)
    for name in User.objects.active().order_by().values_list("time_zone", flat=True).distinct():
        try:
            local = now.astimezone(ZoneInfo(name))
        except (ZoneInfoNotFoundError, ValueError):
            local = now
        zones[local.date(), local.time()].append(name)
    conditions: list[Any] = [
        Q(task__due_date=day, user__time_zone__in=names, user__reminder_time__lte=clock)
        for (day, clock), names in zones.items()
    ]
    return Q(*conditions, _connector=Q.OR) if conditions else Q(pk=None)
