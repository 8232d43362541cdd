"""The next task of a series: created when the current one is closed, or by a job when it is missed.

Once, however many people or schedulers there are: the row of the series is locked and moved on in the transaction that
creates the task, and `a_series_has_one_task_of_each_number` refuses a second one.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping
from datetime import datetime

import structlog
from django.db import DatabaseError, transaction

from core.api.fields import SUPPORTED_YEARS
from core.errors import DomainError
from core.serialization import to_json
from events.outbox import DomainEvent, publish_all
from tasks import events
from tasks.cache import invalidate_viewers
from tasks.models import Occurrence, Project, Recurrence, RecurrenceMode, Task
from tasks.recurrence.copying import copy_task, moved_dates
from tasks.recurrence.schedule import next_day, series_of

log = structlog.get_logger(__name__)
# The job runs every minute; a backlog is worked off over some of its runs.
BATCH_SIZE = 500


def create_next(
    task: Task,
    *,
    assignee_ids: Collection[uuid.UUID],
    labels: Mapping[uuid.UUID, str],
    now: datetime,
) -> list[DomainEvent]:
    """Create the task after one that was closed or missed, and return its events; none at the end of the series.

    `labels` are names by id. Call it with the task locked, in the transaction that closes it.
    """
    recurrence = Recurrence.objects.select_for_update(no_key=True).filter(task=task).first()
    if recurrence is None:
        return []
    series = series_of(recurrence)
    number = recurrence.number - recurrence.first_number + 1
    day = next_day(series, after=recurrence.occurs_on, number=number, now=now)
    if day is None or day.year not in SUPPORTED_YEARS:
        Recurrence.objects.filter(pk=recurrence.pk).update(missed_at=None)
        return []
    following, member_ids = copy_task(task, series, day, assignee_ids=assignee_ids, label_ids=labels, now=now)
    Task.objects.filter(pk=task.pk).update(is_recurring=False)
    Recurrence.objects.filter(pk=recurrence.pk).update(
        task=following,
        number=recurrence.number + 1,
        occurs_on=day,
        missed_at=series.missed_at(day) if series.mode == RecurrenceMode.FIXED else None,
    )
    Occurrence.objects.create(recurrence=recurrence, number=recurrence.number + 1, task=following, occurs_on=day)
    payload = events.task_payload(following, assignee_ids=member_ids, labels=labels.values())
    before = events.task_payload(task, assignee_ids=assignee_ids, labels=labels.values())
    return [
        events.TaskCreated(task=payload),
        events.TaskRepeated(task=before, next_id=payload["id"], next_key=payload["key"]),
    ]


def advance_missed(*, now: datetime) -> int:
    """Create the tasks that follow missed ones, and return their number; `now` is the time of the database."""
    missed = Recurrence.objects.filter(missed_at__lte=now, task__project__archived_at=None).order_by("missed_at", "pk")
    count = 0
    for recurrence_id, task_id, project_id in missed.values_list("pk", "task_id", "task__project_id")[:BATCH_SIZE]:
        try:
            count += _advance_one(recurrence_id, task_id, project_id, now)
        except (DomainError, DatabaseError) as error:
            # One series must not stop the others; the next run tries it again.
            log.warning("recurrence.not_advanced", recurrence=str(recurrence_id), reason=type(error).__name__)
    return count


@transaction.atomic
def _advance_one(recurrence_id: uuid.UUID, task_id: uuid.UUID, project_id: uuid.UUID, now: datetime) -> int:
    """Move one series on, unless another scheduler does or has done it; returns whether it was moved."""
    # Project, task, series: the order of every other writer.
    project = Project.objects.select_for_update(no_key=True).filter(pk=project_id, archived_at=None).first()
    locked = Task.objects.select_for_update(no_key=True, of=("self",), skip_locked=True).filter(pk=task_id)
    task = locked.select_related("state", "project").first()
    still_missed = Recurrence.objects.filter(pk=recurrence_id, task=task_id, missed_at__lte=now)
    recurrence = still_missed.select_for_update(no_key=True).first()
    if project is None or task is None or recurrence is None:
        return 0
    assignees = {user.pk for user in task.assignees.all()}
    labels = {label.pk: label.name for label in task.labels.all()}
    # A series has at most one missed task that is open: a second one is moved to the next day instead.
    others = Occurrence.objects.filter(recurrence=recurrence, task__closed_at=None).exclude(task=task)
    if not task.is_closed and others.exists():
        published = _move_on(task, recurrence, assignees, labels.values(), now)
    else:
        published = create_next(task, assignee_ids=assignees, labels=labels, now=now)
    publish_all(published, actor=None, at=now)
    invalidate_viewers(project)
    return int(bool(published))


def _move_on(
    task: Task, recurrence: Recurrence, assignee_ids: Collection[uuid.UUID], labels: Collection[str], now: datetime
) -> list[DomainEvent]:
    """Move the dates of an open task to the next day of its series."""
    series = series_of(recurrence)
    day = next_day(series, after=recurrence.occurs_on, number=recurrence.number, now=now)
    if day is None:
        Recurrence.objects.filter(pk=recurrence.pk).update(missed_at=None)
        return []
    dates = moved_dates(task, series, day)
    changes = {
        name: [to_json(getattr(task, name)), to_json(value)]
        for name, value in dates.items()
        if getattr(task, name) != value
    }
    for name, value in dates.items():
        setattr(task, name, value)
    task.version, task.updated_at = task.version + 1, now
    task.save(update_fields=[*dates, "version", "updated_at"])
    Recurrence.objects.filter(pk=recurrence.pk).update(occurs_on=day, missed_at=series.missed_at(day))
    Occurrence.objects.filter(task=task).update(occurs_on=day)
    return [
        events.TaskUpdated(task=events.task_payload(task, assignee_ids=assignee_ids, labels=labels), changes=changes)
    ]
