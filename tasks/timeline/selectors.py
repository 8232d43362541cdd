"""Reads of the timeline: the tasks of a project whose dates lie in a period, and what blocks what."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from django.db.models.functions import Coalesce

from accounts.models import User
from core.time_zones import LocalDay
from tasks.calendar.selectors import due_day
from tasks.models import RelationKind, Task, TaskRelation
from tasks.models.task import TaskQuerySet

ROWS_PER_PAGE = 200
MAX_UNDATED = 20


@dataclass(frozen=True, slots=True)
class TimelineTask:
    """A task with its first and last day; one date stands for both."""

    task: Task
    start: date | None
    due: date | None
    first: date
    last: date
    is_overdue: bool


@dataclass(frozen=True, slots=True)
class TimelineTasks:
    """A page of the dated tasks with their dependencies, and some undated tasks."""

    dated: list[TimelineTask]
    has_next: bool
    undated: list[Task]
    blocks: list[tuple[uuid.UUID, uuid.UUID]]


def load_timeline(
    user: User, rows: TaskQuerySet, first: date, last: date, *, page: int, sql_zone: str, now: datetime
) -> TimelineTasks:
    """Return a page of the tasks between two days, by their start; four queries, however many tasks.

    `rows` are visible to the user.
    """
    due = Coalesce("due_date", LocalDay("due_at", sql_zone))
    columns = ("search", "description", "description_html")
    ranged = rows.annotate(first_day=Coalesce("start_date", due), last_day=Coalesce(due, "start_date"))
    within = ranged.filter(first_day__lte=last, last_day__gte=first).order_by("first_day", "last_day", "pk")
    offset = (page - 1) * ROWS_PER_PAGE
    listed = list(within.select_related("project", "state").defer(*columns)[offset : offset + ROWS_PER_PAGE + 1])
    undated = rows.open().filter(start_date=None, due_date=None, due_at=None).order_by("-updated_at", "-pk")
    unplanned = list(undated.select_related("project", "state").defer(*columns)[:MAX_UNDATED])
    zone = ZoneInfo(user.time_zone)
    today = now.astimezone(zone).date()
    dated = []
    for task in listed[:ROWS_PER_PAGE]:
        start, due_on = task.start_date, due_day(task, zone)
        begin, end = start or due_on, due_on or start
        assert begin is not None
        assert end is not None
        dated.append(TimelineTask(task, start, due_on, begin, end, task.is_overdue(now, today)))
    ids = [item.task.pk for item in dated]
    relations = TaskRelation.objects.filter(kind=RelationKind.BLOCKS, source__in=ids, target__in=ids)
    return TimelineTasks(
        dated,
        len(listed) > ROWS_PER_PAGE,
        unplanned,
        list(relations.order_by("pk").values_list("source_id", "target_id")),
    )
