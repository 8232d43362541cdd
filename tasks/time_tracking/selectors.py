"""Reads of time entries and of the running timer."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, F, Q, QuerySet, Sum, Window

from accounts.models import User
from core.cache import get_or_build
from core.db import get_or_404
from tasks.models import Task, TimeEntry

ENTRIES_IN_PANEL = 10
# Each start and stop, and each change of a task that the user sees, invalidates the timer earlier.
TIMER_CACHE_TTL = 600


def list_entries(task: Task) -> QuerySet[TimeEntry]:
    """Return the time entries of a task with their users."""
    return TimeEntry.objects.filter(task=task).select_related("user")


def get_entry(task: Task, time_entry_id: uuid.UUID) -> TimeEntry:
    """Return one time entry of a task. Raises NotFound."""
    return get_or_404(list_entries(task).filter(pk=time_entry_id), "There is no such time entry.")


@dataclass(frozen=True, slots=True)
class CurrentTimer:
    """Running timer of a user, if there is one."""

    timer: TimeEntry | None


def get_current_timer(user: User) -> CurrentTimer:
    """Return the running timer of a user on a task that is visible still."""
    timers = TimeEntry.objects.filter(user=user, ended_at=None, task__in=Task.objects.visible_to(user).values("pk"))
    return CurrentTimer(timers.select_related("user", "task__project").first())


def timer_in_frame(user: User) -> dict[str, Any]:
    """Return task and start of the running timer, cached for the frame; empty without one."""

    def build() -> dict[str, Any]:
        timer = get_current_timer(user).timer
        return {"key": timer.task.key, "title": timer.task.title, "started_at": timer.started_at} if timer else {}

    return get_or_build(str(user.pk), "timer", seconds=TIMER_CACHE_TTL, build=build)


@dataclass(frozen=True, slots=True)
class TimePanel:
    """Newest time entries of a task, the totals of all, and the reader's timer."""

    entries: Sequence[TimeEntry]
    count: int
    minutes: int
    estimate: int | None
    running: TimeEntry | None

    @property
    def is_over(self) -> bool:
        return self.estimate is not None and self.minutes > self.estimate


def time_panel(reader: User, task: Task) -> TimePanel:
    """Return what the page of a task shows of its time; one query."""
    rows = list_entries(task).annotate(
        total=Window(Sum("minutes")), row_count=Window(Count("pk", filter=Q(ended_at__isnull=False)))
    )
    # Running timers first, or an old one of the reader's could be beyond the limit.
    listed = list(rows.order_by(F("ended_at").desc(nulls_first=True), "-started_at", "-pk")[:ENTRIES_IN_PANEL])
    return TimePanel(
        entries=[entry for entry in listed if entry.ended_at],
        count=listed[0].row_count if listed else 0,
        minutes=listed[0].total or 0 if listed else 0,
        estimate=task.estimate,
        running=next((entry for entry in listed if entry.ended_at is None and entry.user_id == reader.pk), None),
    )
