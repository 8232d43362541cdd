"""Read the statistics of a period: `overview` for the dashboard, `daily` for the plain series.

    scope = scope_for(user, project_id=None, user_id=None)
    overview(scope, Period.ending(today, length=28))

No clock is involved: future days show which open tasks become overdue if they stay open.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any, Literal
from uuid import UUID

from django.db.models import F, Max, Sum
from django.utils.translation import gettext

from accounts.models import User
from accounts.models.users import ERASED_USER_NAME
from analytics import cache
from analytics.models import DailyStat, DailyStatQuerySet, TaskSnapshot
from analytics.overview.results import DayResult, HistogramBucket, Kpi, Overview, Period, Scope, UserWorkload
from analytics.rollups.histogram import BUCKET_COUNT, EMPTY_HISTOGRAM, bounds, label, percentile
from core.errors import NotFound
from tasks.projects import selectors as projects_selectors

SUM_COLUMNS = {name: Sum(name) for name in ("created", "completed", "closed", "overdue_change")}
BUCKET_SUM_COLUMNS = {f"bucket_{bucket}": Sum(f"cycle_histogram__{bucket}") for bucket in range(BUCKET_COUNT)}


def scope_for(user: User, *, project_id: UUID | None = None, user_id: UUID | None = None) -> Scope:
    """Return all projects visible to `user`, or one of them; `user_id` limits it to one assignee.

    Raises NotFound for a project that is not visible to `user`.
    """
    # The scope is decided here, once: the queries below ask by project ids and need no other check.
    visible_ids = projects_selectors.visible_project_ids(user)
    if project_id is None:
        return Scope(tuple(sorted(visible_ids)), user_id)
    if project_id not in visible_ids:
        raise NotFound(gettext("There is no such project."))
    return Scope((project_id,), user_id)


def overview(scope: Scope, period: Period) -> Overview:
    """Return all figures of a period beside those of the period before, in five queries; cached."""

    def build() -> Overview:
        # One query reads both periods; the halves are compared.
        days = _build_days(scope, Period(period.before.start, period.end))
        previous, current = days[: period.length], days[period.length :]
        completed = _sum_kpi("completed", previous, current)
        histogram = enumerate(_sum_histograms(current))
        stats = DailyStat.objects.in_projects(scope.project_ids).until(period.end)
        stats = stats.for_user(scope.user_id) if scope.user_id else stats.by_user()
        sums = stats.values("user_id").annotate(open=Sum(F("created") - F("closed")), overdue=Sum("overdue_change"))
        # Assignees whose tasks are all closed have rows that add up to zero.
        rows = [(row["user_id"], row["open"], row["overdue"]) for row in sums if row["user_id"] and row["open"] > 0]
        # Names as they are now; the statistics hold ids, so that an erased user needs no change there.
        names = dict(User.objects.filter(pk__in=[user_id for user_id, *_ in rows]).values_list("pk", "name"))
        workloads = [
            UserWorkload(user_id, names.get(user_id, ERASED_USER_NAME), open_count, overdue_count)
            for user_id, open_count, overdue_count in rows
        ]
        workloads.sort(key=lambda workload: (-workload.overdue, -workload.open, workload.name, workload.user_id))
        return Overview(
            period=period,
            open=_end_of_day_kpi("open", previous, current),
            overdue=_end_of_day_kpi("overdue", previous, current),
            created=_sum_kpi("created", previous, current),
            completed=completed,
            throughput=Kpi(
                (completed.value or 0) / period.length, (completed.previous or 0) / period.length, completed.series
            ),
            cycle_median=_cycle_time_kpi(0.5, previous, current),
            cycle_p85=_cycle_time_kpi(0.85, previous, current),
            cycle_p95=_cycle_time_kpi(0.95, previous, current),
            days=current,
            histogram=tuple(HistogramBucket(*bounds(bucket), label(bucket), count) for bucket, count in histogram),
            workload=tuple(workloads),
            as_of=TaskSnapshot.objects.aggregate(at=Max("counted_at"))["at"],
        )

    return cache.get_cached(cache.result_key("overview", scope, period), build)


def daily(scope: Scope, period: Period) -> tuple[DayResult, ...]:
    """Return one result for each day of the period, in two queries; cached."""
    return cache.get_cached(cache.result_key("daily", scope, period), lambda: _build_days(scope, period))


def _end_of_day_kpi(
    name: Literal["open", "overdue"], previous: Sequence[DayResult], current: Sequence[DayResult]
) -> Kpi:
    series = tuple(getattr(day, name) for day in current)
    # Counts at a moment, so the last day stands for its period; a sum of them would mean nothing.
    return Kpi(series[-1], getattr(previous[-1], name), series)


def _sum_kpi(name: Literal["created", "completed"], previous: Sequence[DayResult], current: Sequence[DayResult]) -> Kpi:
    series = tuple(getattr(day, name) for day in current)
    return Kpi(sum(series), sum(getattr(day, name) for day in previous), series)


def _cycle_time_kpi(share: float, previous: Sequence[DayResult], current: Sequence[DayResult]) -> Kpi:
    # Of the summed histograms: a mean of daily medians would weigh a day with one task like one with fifty.
    series = tuple(percentile(day.cycle_histogram, share) for day in current)
    return Kpi(percentile(_sum_histograms(current), share), percentile(_sum_histograms(previous), share), series)


def _sum_histograms(days: Sequence[DayResult]) -> tuple[int, ...]:
    # EMPTY_HISTOGRAM, so that no days give fourteen zeros and not an empty tuple.
    return tuple(map(sum, zip(EMPTY_HISTOGRAM, *(day.cycle_histogram for day in days), strict=True)))


def _stats(scope: Scope) -> DailyStatQuerySet:
    return DailyStat.objects.in_projects(scope.project_ids).for_user(scope.user_id)


def _build_days(scope: Scope, period: Period) -> tuple[DayResult, ...]:
    sums = _stats(scope).between(period.start, period.end).values("day").annotate(**SUM_COLUMNS, **BUCKET_SUM_COLUMNS)
    rows: dict[date, dict[str, Any]] = {row["day"]: dict(row) for row in sums}
    # Open and overdue are running sums: start with what was open and overdue when the period began.
    start = (
        _stats(scope)
        .before(period.start)
        .aggregate(open=Sum(F("created") - F("closed"), default=0), overdue=Sum("overdue_change", default=0))
    )
    open_count, overdue_count = start["open"], start["overdue"]
    days = []
    # Days without a row are days without a change, and still have open tasks.
    for day in period.days():
        row = rows.get(day, {})
        created, completed, closed = (row.get(name, 0) for name in ("created", "completed", "closed"))
        open_count += created - closed
        overdue_count += row.get("overdue_change", 0)
        histogram = tuple(row.get(name) or 0 for name in BUCKET_SUM_COLUMNS)
        days.append(DayResult(day, created, completed, closed, open_count, overdue_count, histogram))
    return tuple(days)
