"""Copies of a task for the next occurrence of its series."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable, Iterator
from datetime import date, datetime
from typing import TypeVar
from zoneinfo import ZoneInfo

from django.db.models import Model

from core.db import uuid7
from tasks.items.fractional_indexing import initial_position
from tasks.items.task_numbers import reserve_numbers
from tasks.models import ChecklistItem, CustomFieldValue, ProjectMember, Reminder, Task, TaskAssignee, TaskWatch
from tasks.projects import selectors as projects_selectors
from tasks.recurrence.schedule import Series

M = TypeVar("M", bound=Model)


def copy_task(
    task: Task,
    series: Series,
    day: date,
    *,
    assignee_ids: Collection[uuid.UUID],
    label_ids: Collection[uuid.UUID],
    now: datetime,
) -> tuple[Task, list[uuid.UUID]]:
    """Insert the task of this day, not begun, and return it with its assignees.

    Whoever left the project meanwhile is not assigned anew. Of the reminders those are copied that are relative to the
    due date. Comments, files and shares stay with the task that they are about.
    """
    following = _insert(task, series, day, now)
    items = list(ChecklistItem.objects.filter(task=task))
    involved_ids = {*assignee_ids, *(item.assignee_id for item in items)}
    members = ProjectMember.objects.filter(project=task.project_id, user__in=involved_ids, user__is_active=True)
    all_member_ids = set(members.values_list("user_id", flat=True))
    member_ids = sorted(all_member_ids & set(assignee_ids))
    TaskAssignee.objects.bulk_create(TaskAssignee(task=following, user_id=user_id) for user_id in member_ids)
    link = Task.labels.through
    link.objects.bulk_create(link(task_id=following.pk, label_id=label_id) for label_id in label_ids)
    CustomFieldValue.objects.bulk_create(_copies(CustomFieldValue.objects.filter(task=task), task=following))
    for item in items:
        item.assignee_id = item.assignee_id if item.assignee_id in all_member_ids else None
    TaskWatch.objects.bulk_create(_copies(TaskWatch.objects.filter(task=task), task=following, created_at=now))
    # The items' own due dates belonged to the occurrence that is over.
    ChecklistItem.objects.bulk_create(
        _copies(items, task=following, is_done=False, done_at=None, due_date=None, version=1, created_at=now)
    )
    relative = Reminder.objects.filter(task=task, at=None)
    reminders = _copies(relative, task=following, fires_at=None, sent_at=None, is_stale=True, since=now, created_at=now)
    Reminder.objects.bulk_create(reminders)
    return following, member_ids


def _insert(task: Task, series: Series, day: date, now: datetime) -> Task:
    state = projects_selectors.load_states(task.project)[0]
    names = (*Task.SCALAR_FIELDS, "description_html", "description_html_version")
    number = reserve_numbers(task.project, 1)
    following = Task(
        **{name: getattr(task, name) for name in names} | moved_dates(task, series, day),
        id=uuid7(),
        project=task.project,
        number=number,
        state=state,
        category=state.category,
        position=initial_position(number),
        parent_id=task.parent_id,
        creator_id=task.creator_id,
        created_at=now,
        updated_at=now,
        is_recurring=True,
    )
    following.save(force_insert=True)
    return following


def moved_dates(task: Task, series: Series, day: date) -> dict[str, date | datetime | None]:
    """Return the dates of a task when it is due on this day: the start keeps its distance from the due date."""
    due_day = task.due_at.astimezone(ZoneInfo(series.time_zone)).date() if task.due_at else task.due_date
    start = day - (due_day - task.start_date) if task.start_date and due_day else None
    is_timed = series.time_of_day is not None
    return {
        "start_date": start,
        "due_date": None if is_timed else day,
        "due_at": series.instant(day) if is_timed else None,
    }


def _copies(rows: Iterable[M], **changes: object) -> Iterator[M]:
    """Yield the rows as new ones with other values in some columns."""
    for row in rows:
        row.pk, row._state.adding = uuid7(), True
        for name, value in changes.items():
            setattr(row, name, value)
        yield row
