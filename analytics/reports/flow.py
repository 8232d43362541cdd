"""Reports of the flow of tasks: throughput, burndown and burnup, cumulative flow.

Days are those of the reader's time zone. They are counted from the snapshots of tasks that were created, started or
closed in the period, by index; what was open before comes from the daily statistics.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time

from django.db.models import Count, F, Sum
from django.utils.translation import gettext

from analytics import cache
from analytics.models import DailyStat, TaskSnapshot, TaskSnapshotQuerySet
from analytics.overview.results import Scope
from analytics.reports.results import Bucket, Column, Figure, Report, ReportPeriod, ReportQuery
from core.errors import Invalid
from core.time_zones import LocalDay
from tasks.filters import compiler, grammar
from tasks.filters.selectors import TaskFilters, filter_visible

# Their dates are read one by one.
MAX_FILTER_TASKS = 5000


@dataclass(slots=True)
class Flow:
    """Tasks created, started and closed by day, and those open before the period."""

    open_before: int = 0
    in_progress_before: int = 0
    created: Counter[date] = field(default_factory=Counter)
    started: Counter[date] = field(default_factory=Counter)
    completed: Counter[date] = field(default_factory=Counter)
    cancelled: Counter[date] = field(default_factory=Counter)


def read_flow(scope: Scope, period: ReportPeriod) -> Flow:
    """Return the flow of the scope's tasks in seven queries; cached."""
    return cache.get_cached(cache.result_key("flow", scope, period), lambda: _build_flow(scope, period))


def _build_flow(scope: Scope, period: ReportPeriod) -> Flow:
    tasks = TaskSnapshot.objects.counted().in_projects(scope.project_ids)
    start, zone = period.start_instant, period.sql_zone
    closed = tasks.filter(closed_at__gte=start)
    never_started = closed.filter(started_at=None)
    flow = Flow(open_before=_open_before(scope, start))
    # What is in progress now began before the period or in it, so the first are counted among the open tasks.
    flow.in_progress_before = (
        tasks.in_progress().filter(started_at__lt=start).count() + closed.filter(started_at__lt=start).count()
    )
    flow.created = _by_day(tasks.filter(created_at__gte=start), "created_at", zone)
    # A task that goes straight to done passes the line of started tasks on the same day.
    flow.started = _by_day(tasks.filter(started_at__gte=start), "started_at", zone) + _by_day(
        never_started, "closed_at", zone
    )
    for day, category, count in (
        closed.annotate(day=LocalDay(F("closed_at"), zone)).values_list("day", "category").annotate(count=Count("*"))
    ):
        (flow.completed if category == "done" else flow.cancelled)[day] += count
    return flow


def _by_day(tasks: TaskSnapshotQuerySet, column: str, zone: str) -> Counter[date]:
    days = tasks.annotate(day=LocalDay(F(column), zone)).values_list("day").annotate(count=Count("*"))
    return Counter(dict(days))


def _open_before(scope: Scope, instant: datetime) -> int:
    """Count the tasks open just before an instant: the sums up to its UTC day, and the hours since."""
    midnight = datetime.combine(instant.date(), time(), tzinfo=UTC)
    stats = DailyStat.objects.in_projects(scope.project_ids).for_user(None).before(midnight.date())
    count: int = stats.aggregate(open=Sum(F("created") - F("closed"), default=0))["open"]
    if instant > midnight:
        tasks = TaskSnapshot.objects.counted().in_projects(scope.project_ids)
        count += tasks.filter(created_at__gte=midnight, created_at__lt=instant).count()
        count -= tasks.filter(closed_at__gte=midnight, closed_at__lt=instant).count()
    return count


def read_filter_flow(query: ReportQuery) -> Flow:
    """Return the flow of the tasks that a saved filter matches today. Raises Invalid if they are too many."""
    assert query.saved_filter is not None
    period, user = query.period, query.user
    filters = TaskFilters(
        now=query.now, today=period.today, zone=period.sql_zone, project=query.project.key if query.project else ""
    )
    tasks = filter_visible(user, compiler.compile_filter(grammar.parse(query.saved_filter.filter), user, filters))
    day = {name: LocalDay(F(f"{name}_at"), period.sql_zone) for name in ("created", "closed")}
    rows = list(tasks.order_by().values_list(day["created"], day["closed"], "category")[: MAX_FILTER_TASKS + 1])
    if len(rows) > MAX_FILTER_TASKS:
        raise Invalid.field("filter", f"This filter matches more than {MAX_FILTER_TASKS:,} tasks: narrow it.")
    flow = Flow()
    for created, closed, category in rows:
        if closed and closed < period.start:
            continue
        if created < period.start:
            flow.open_before += 1
        else:
            flow.created[created] += 1
        if closed:
            (flow.completed if category == "done" else flow.cancelled)[closed] += 1
    return flow


def throughput(query: ReportQuery) -> Report:
    """Return created, completed and cancelled tasks of each day or week."""
    flow, buckets = read_flow(query.scope, query.period), query.period.buckets()
    created, completed, cancelled = (
        per_bucket(days, buckets) for days in (flow.created, flow.completed, flow.cancelled)
    )
    total, weeks = sum(completed), query.period.length / 7
    finding = (
        f"{total:,} {'task was' if total == 1 else 'tasks were'} completed in {query.period.length} days, {total / weeks:.1f} a week; "
        f"{sum(created):,} were created."
    )
    return Report(
        finding=finding if total or sum(created) else gettext("No task was created or completed in this period."),
        columns=(
            *BUCKET_COLUMNS,
            Column("created", "Created"),
            Column("completed", "Completed"),
            Column("cancelled", "Cancelled"),
        ),
        rows=[
            (bucket.start, bucket.end, *counts)
            for bucket, *counts in zip(buckets, created, completed, cancelled, strict=True)
        ],
        figures=(
            Figure("completed", "Completed", total, f"{total:,}"),
            Figure("per_week", gettext("Completed a week"), round(total / weeks, 2), f"{total / weeks:.1f}"),
            Figure("created", "Created", sum(created), f"{sum(created):,}"),
            Figure("cancelled", "Cancelled", sum(cancelled), f"{sum(cancelled):,}"),
        ),
    )


BUCKET_COLUMNS = (Column("start", "From", "day"), Column("end", "To", "day"))


def burndown(query: ReportQuery) -> Report:
    """Return scope, completed and remaining tasks at the end of each day or week."""
    flow = read_filter_flow(query) if query.saved_filter else read_flow(query.scope, query.period)
    buckets = query.period.buckets()
    completed = running_sums(per_bucket(flow.completed, buckets))
    added = running_sums(per_bucket(flow.created, buckets))
    removed = running_sums(per_bucket(flow.cancelled, buckets))
    rows: list[tuple[date, date, int, int, int]] = []
    for bucket, done, new, cancelled in zip(buckets, completed, added, removed, strict=True):
        scope = flow.open_before + new - cancelled
        rows.append((bucket.start, bucket.end, scope, done, scope - done))
    scope, done, remaining = rows[-1][2:]
    growth = scope - flow.open_before
    finding = f"{done:,} of {scope:,} tasks are completed and {remaining:,} remain; the scope "
    finding += f"{'grew' if growth > 0 else 'shrank'} by {abs(growth):,}." if growth else "did not change."
    return Report(
        finding=finding if scope else gettext("There were no tasks in this period."),
        columns=(
            *BUCKET_COLUMNS,
            Column("scope", "Scope"),
            Column("completed", "Completed"),
            Column("remaining", "Remaining"),
        ),
        rows=rows,
        figures=(
            Figure("remaining", "Remaining", remaining, f"{remaining:,}"),
            Figure("completed", "Completed", done, f"{done:,}"),
            Figure("scope", "Scope", scope, f"{scope:,}"),
            Figure("scope_change", gettext("Scope change"), growth, f"{growth:+,}" if growth else "none"),
        ),
    )


def cumulative_flow(query: ReportQuery) -> Report:
    """Return running totals of arrived, started and closed tasks by day or week."""
    flow, buckets = read_flow(query.scope, query.period), query.period.buckets()
    arrived = running_sums(per_bucket(flow.created, buckets), flow.open_before)
    started = running_sums(per_bucket(flow.started, buckets), flow.in_progress_before)
    closed = running_sums(per_bucket(flow.completed + flow.cancelled, buckets))
    rows = [
        (bucket.start, bucket.end, came, began, ended, came - began, began - ended)
        for bucket, came, began, ended in zip(buckets, arrived, started, closed, strict=True)
    ]
    waiting, in_progress = arrived[-1] - started[-1], started[-1] - closed[-1]
    was_in_progress, was_waiting = flow.in_progress_before, flow.open_before - flow.in_progress_before
    finding = (
        f"{in_progress:,} tasks are in progress ({in_progress - was_in_progress:+,} since the start) and "
        f"{waiting:,} wait ({waiting - was_waiting:+,})."
    )
    return Report(
        finding=finding if arrived[-1] else gettext("There were no tasks in this period."),
        columns=(
            *BUCKET_COLUMNS,
            Column("arrived", "Arrived"),
            Column("started", "Started"),
            Column("closed", "Closed"),
            Column("waiting", "Waiting"),
            Column("in_progress", gettext("In progress")),
        ),
        rows=rows,
        figures=(
            Figure("in_progress", gettext("In progress"), in_progress, f"{in_progress:,}"),
            Figure("waiting", "Waiting", waiting, f"{waiting:,}"),
            Figure("closed", "Closed", closed[-1], f"{closed[-1]:,}"),
        ),
    )


def per_bucket(days: Counter[date], buckets: Sequence[Bucket]) -> list[int]:
    """Return the sum of the days of each bucket."""
    return [sum(count for day, count in days.items() if bucket.start <= day <= bucket.end) for bucket in buckets]


def running_sums(counts: Iterable[int], start: int = 0) -> list[int]:
    """Return the sum up to and with each count."""
    sums, total = [], start
    for count in counts:
        total += count
        sums.append(total)
    return sums
