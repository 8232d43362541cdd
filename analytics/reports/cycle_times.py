"""Reports of durations: cycle time, lead time, ageing work in progress."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.contrib.postgres.fields import ArrayField
from django.db.models import Aggregate, Count, DurationField, ExpressionWrapper, F, FloatField, Q
from django.db.models.functions import Coalesce, Extract
from django.utils.translation import gettext

from accounts.models import User
from analytics.models import TaskSnapshot, TaskSnapshotQuerySet
from analytics.overview.charts import format_duration
from analytics.overview.results import Scope
from analytics.reports.results import Column, Figure, Report, ReportQuery, Value
from core.time_zones import LocalDay
from tasks.models import Task

# Dots of the chart and rows of the page and the API; the files have all.
MAX_POINTS = 400
MAX_AGEING = 50
# A file of more rows opens in no spreadsheet program at an acceptable speed.
MAX_EXPORT_ROWS = 50_000
EXPORT_BATCH = 1000
REFERENCE_DAYS = 84
SHARES = (("p50", 0.5), ("p85", 0.85), ("p95", 0.95))


class Percentiles(Aggregate):
    """Exact percentiles of SHARES, interpolated, in one sort: PostgreSQL's percentile_cont."""

    template = (
        f"percentile_cont(ARRAY[{','.join(str(share) for _, share in SHARES)}]) WITHIN GROUP (ORDER BY %(expressions)s)"
    )
    output_field = ArrayField(FloatField())


def with_hours(tasks: TaskSnapshotQuerySet, *, from_creation: bool) -> Any:
    """Annotate the hours from start (or creation) to the end; never below zero, as clocks of nodes differ."""
    begin = F("created_at") if from_creation else Coalesce("started_at", "created_at")
    duration = ExpressionWrapper(F("closed_at") - begin, output_field=DurationField())
    return tasks.annotate(hours=Extract(duration, "epoch") / 3600.0)


def completed_since(scope: Scope, instant: datetime) -> TaskSnapshotQuerySet:
    """Return the completed tasks that were closed at the instant or later."""
    tasks = TaskSnapshot.objects.counted().in_projects(scope.project_ids)
    return tasks.filter(closed_at__gte=instant, category="done")


def percentiles(tasks: Any) -> tuple[int, dict[str, float | None]]:
    """Return the number of tasks, and p50, p85 and p95 in hours, None without tasks."""
    result = tasks.aggregate(count=Count("*"), percentiles=Percentiles("hours"))
    hours = result["percentiles"] or [None] * len(SHARES)
    shares = zip(SHARES, hours, strict=True)
    return result["count"], {name: None if value is None else max(0.0, value) for (name, _), value in shares}


def cycle_time(query: ReportQuery) -> Report:
    """Return the time from start to done of each completed task."""
    return _durations(query, gettext("Cycle time"), from_creation=False)


def lead_time(query: ReportQuery) -> Report:
    """Return the time from creation to done of each completed task."""
    return _durations(query, gettext("Lead time"), from_creation=True)


def _durations(query: ReportQuery, label: str, *, from_creation: bool) -> Report:
    since = query.period.start_instant
    tasks = with_hours(completed_since(query.scope, since), from_creation=from_creation)
    count, shares = percentiles(tasks)
    day = LocalDay(F("closed_at"), query.period.sql_zone)
    listed = tasks.annotate(day=day).order_by("-closed_at", "-task_id")
    points = list(listed.values_list("task_id", "day", "hours", "closed_at")[:MAX_POINTS])
    finding = gettext("No task was completed in this period.")
    if shares["p85"] is not None:
        finding = (
            f"85\u00a0% of the {count:,} completed tasks finished within {format_duration(shares['p85'])}; "
            f"half of them within {format_duration(shares['p50'])}."
        )

    def all_rows() -> Iterator[Sequence[Value]]:
        rows: list[Any] = []
        # By the last row instead of an offset: the sum of all batches reads each row once.
        for _ in range(MAX_EXPORT_ROWS // EXPORT_BATCH):
            batch = listed
            if rows:
                task_id, _, _, closed_at = rows[-1]
                batch = batch.filter(Q(closed_at__lt=closed_at) | Q(closed_at=closed_at, task_id__lt=task_id))
            rows = list(batch.values_list("task_id", "day", "hours", "closed_at")[:EXPORT_BATCH])
            yield from _rows(query.user, rows)
            if len(rows) < EXPORT_BATCH:
                return

    return Report(
        finding=finding,
        columns=(
            Column("completed", "Completed", "day"),
            Column("task", "Task", "task"),
            Column("title", "Title", "text"),
            Column("hours", label, "hours"),
        ),
        rows=_rows(query.user, points),
        row_count=count,
        figures=tuple(
            Figure(name, f"{round(share * 100)}\u00a0% within", shares[name], format_duration(shares[name]))
            for name, share in SHARES
        ),
        detail=shares,
        all_rows=all_rows,
    )


def _rows(user: User, points: Iterable[tuple[UUID, Any, float, Any]]) -> list[tuple[Value, ...]]:
    listed = list(points)
    names = task_names(user, [task_id for task_id, *_ in listed])
    return [(day, *names.get(task_id, ("", "")), round(max(0.0, float(hours)), 2)) for task_id, day, hours, _ in listed]


def task_names(user: User, task_ids: Sequence[UUID]) -> dict[UUID, tuple[str, str]]:
    """Return key and title of the tasks as far as the user sees them."""
    rows = Task.objects.visible_to(user).filter(pk__in=task_ids)
    return {
        pk: (f"{key}-{number}", title)
        for pk, key, number, title in rows.values_list("pk", "project__key", "number", "title")
    }


def ageing(query: ReportQuery) -> Report:
    """Return the tasks in progress, the oldest first, beside recent cycle times."""
    tasks = TaskSnapshot.objects.counted().in_projects(query.scope.project_ids).in_progress()
    reference = completed_since(query.scope, query.now - timedelta(days=REFERENCE_DAYS))
    _, shares = percentiles(with_hours(reference, from_creation=False))
    p85 = shares["p85"]
    late_since = query.now - timedelta(hours=p85) if p85 is not None else datetime.min.replace(tzinfo=query.now.tzinfo)
    counts = tasks.aggregate(count=Count("*"), late=Count("pk", filter=Q(started_at__lt=late_since)))
    oldest = list(tasks.order_by("started_at", "task_id").values_list("task_id", "started_at")[:MAX_AGEING])
    names = task_names(query.user, [task_id for task_id, _ in oldest])
    rows = [
        (*names.get(task_id, ("", "")), round(max(0.0, (query.now - (started or query.now)).total_seconds() / 3600), 2))
        for task_id, started in oldest
    ]
    count, late = counts["count"], counts["late"]
    finding = gettext("No task is in progress.")
    if count:
        finding = f"{count:,} {'task is' if count == 1 else 'tasks are'} in progress"
        if p85 is not None:
            finding += f"; {late:,} for longer than the {format_duration(p85)} within which 85\u00a0% are completed"
        finding += "."
    return Report(
        finding=finding,
        columns=(Column("task", "Task", "task"), Column("title", "Title", "text"), Column("hours", "Age", "hours")),
        rows=rows,
        row_count=count,
        figures=(
            Figure("in_progress", gettext("In progress"), count, f"{count:,}"),
            Figure("late", gettext("Older than 85 %"), late, f"{late:,}"),
            Figure("p85", "85\u00a0% within", p85, format_duration(p85)),
        ),
        detail=shares,
    )
