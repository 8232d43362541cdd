"""Reads of the calendar: the tasks of some days, and those without a date."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from django.db.models import Count, Q, Window
from django.db.models.functions import Coalesce, RowNumber

from accounts.models import User
from core.time_zones import LocalDay, NextDay, StartOfDay
from tasks.items.page_queries import can_edit_in
from tasks.models import Task
from tasks.models.task import TaskQuerySet
from tasks.projects.selectors import roles_by_project

MAX_UNSCHEDULED = 20


@dataclass(frozen=True, slots=True)
class Entry:
    """A task as the calendar shows it."""

    task: Task
    day: date | None
    is_movable: bool
    is_overdue: bool


@dataclass(slots=True)
class Day:
    """A day with its first tasks; `count` is that of all its tasks."""

    date: date
    entries: list[Entry] = field(default_factory=list)
    count: int = 0

    @property
    def hidden_count(self) -> int:
        return self.count - len(self.entries)


@dataclass(frozen=True, slots=True)
class Schedule:
    """Consecutive days with their tasks, and some open tasks without a date."""

    days: list[Day]
    unscheduled: list[Entry]
    has_more_unscheduled: bool

    @property
    def is_movable(self) -> bool:
        """Whether the reader may move any of the tasks."""
        return any(entry.is_movable for entry in self._entries())

    def find(self, task_id: object) -> Entry | None:
        """Return the entry of a task; None if it isn't shown."""
        return next((entry for entry in self._entries() if entry.task.pk == task_id), None)

    def _entries(self) -> Iterable[Entry]:
        yield from self.unscheduled
        for day in self.days:
            yield from day.entries


def due_day(task: Task, zone: ZoneInfo) -> date | None:
    """Return the day of a time zone on which a task is due."""
    return task.due_at.astimezone(zone).date() if task.due_at else task.due_date


def load_schedule(
    user: User, rows: TaskQuerySet, first: date, last: date, *, sql_zone: str, per_day: int, now: datetime
) -> Schedule:
    """Return the days from the first to the last; four queries, however many tasks.

    `rows` are visible to the user; each day has up to `per_day` of them. Days are those of the user's time zone, which
    `sql_zone` names for SQL.
    """
    zone = ZoneInfo(user.time_zone)
    local_day = Coalesce("due_date", LocalDay("due_at", sql_zone))
    due = Q(due_date__range=(first, last)) | Q(
        due_at__gte=StartOfDay(first, sql_zone), due_at__lt=StartOfDay(NextDay(last), sql_zone)
    )
    ranked = rows.filter(due).annotate(
        day_count=Window(Count("pk"), partition_by=local_day),
        place=Window(RowNumber(), partition_by=local_day, order_by=["-priority", "due_at", "pk"]),
    )
    counts = dict(ranked.filter(place__lte=per_day).order_by().values_list("pk", "day_count"))
    undated = rows.open().filter(due_date=None, due_at=None).order_by("-updated_at", "-pk")
    undated_ids = list(undated.values_list("pk", flat=True)[: MAX_UNSCHEDULED + 1])
    tasks = (
        Task.objects.filter(pk__in=[*counts, *undated_ids[:MAX_UNSCHEDULED]])
        .select_related("project", "state")
        .defer("search", "description", "description_html")
        .order_by("-priority", "due_at", "pk")
    )
    listed = list(tasks)
    roles = roles_by_project(user, {task.project_id: task.project for task in listed}.values())
    today = now.astimezone(zone).date()
    days = {(day := first + timedelta(days=index)): Day(day) for index in range((last - first).days + 1)}
    unscheduled = []
    for task in listed:
        entry = Entry(task, due_day(task, zone), can_edit_in(task.project, roles), task.is_overdue(now, today))
        if entry.day is None:
            unscheduled.append(entry)
        elif entry.day in days:
            days[entry.day].entries.append(entry)
            days[entry.day].count = counts.get(task.pk, 0)
    return Schedule(list(days.values()), unscheduled, len(undated_ids) > MAX_UNSCHEDULED)
