"""Questions about the numbers. The contract for pages and API:

    scope = scope_for(user, project_id=None, person_id=None)   NotFound for a project the user may not see
    period = Period.of(start, end)                             whole UTC days, both included; raises Invalid
    period = Period.ending(today, length=28)
    overview(scope, period) -> Overview                        five queries, however many rows
    daily(scope, period) -> tuple[Day, ...]                    two queries

`Overview` (analytics.overview.results) holds finished things. Its `Kpi` are `open overdue created completed throughput
cycle_median cycle_p85 cycle_p95`, each with `value`, `previous` (the period of equal length before), `change` and `series`
(one point for each day, None where there is nothing to say). `days` has one `Day` for each day: created, completed, closed
and, at its end, open and overdue: it feeds created-against-completed and the flow of open tasks. `histogram` has one
`Bar` for each bucket, its percentiles are the three cycle `Kpi`; `workload` one `Load` for each person with open tasks,
most overdue first. `throughput` is completed tasks per day, cycle times are in hours, `as_of` says when the last fact
was counted. No clock is needed: days to come show what falls overdue if nobody closes anything.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from hashlib import blake2b
from typing import Any, Literal
from uuid import UUID

from django.db.models import F, Max, Sum
from django.utils.translation import gettext

from accounts.models import User
from analytics import cache
from analytics.models import DailyStat, DailyStatQuerySet, TaskSnapshot
from analytics.overview.results import DayResult, HistogramBucket, Kpi, Overview, Period, Scope, UserWorkload
from analytics.rollups.histogram import BUCKET_COUNT, EMPTY_HISTOGRAM, bounds, label, percentile
from core.errors import NotFound
from tasks.projects import selectors as projects_selectors

__all__ = ["Overview", "Period", "Scope", "daily", "overview", "scope_for"]

SUM_COLUMNS = {name: Sum(name) for name in ("created", "completed", "closed", "overdue_change")}
BUCKET_SUM_COLUMNS = {f"bucket_{place}": Sum(f"cycle_histogram__{place}") for place in range(BUCKET_COUNT)}


def scope_for(user: User, *, project_id: UUID | None = None, user_id: UUID | None = None) -> Scope:
    """Return what this user may count: all visible projects, or the one asked for if it is among them."""
    visible = projects_selectors.visible_project_ids(user)
    if project_id is None:
        return Scope(tuple(sorted(visible)), user_id)
    if project_id not in visible:
        raise NotFound("There is no such project.")
    return Scope((project_id,), user_id)


def overview(scope: Scope, period: Period) -> Overview:
    return cache.get_cached(_cache_name("overview", scope, period), lambda: _overview(scope, period))


def daily(scope: Scope, period: Period) -> tuple[DayResult, ...]:
    return cache.get_cached(_cache_name("daily", scope, period), lambda: _days(scope, period))


def _cache_name(question: str, scope: Scope, period: Period) -> str:
    asked = repr((scope, period)).encode()
    return f"{question}:{blake2b(asked, digest_size=16).hexdigest()}"


def _overview(scope: Scope, period: Period) -> Overview:
    days = _days(scope, Period(period.before.start, period.end))
    then, now = days[: period.length], days[period.length :]
    completed = _sum_kpi("completed", then, now)
    return Overview(
        period=period,
        open=_end_of_day_kpi("open", then, now),
        overdue=_end_of_day_kpi("overdue", then, now),
        created=_sum_kpi("created", then, now),
        completed=completed,
        throughput=_throughput_kpi(completed, period.length),
        cycle_median=_cycle_time_kpi(0.5, then, now),
        cycle_p85=_cycle_time_kpi(0.85, then, now),
        cycle_p95=_cycle_time_kpi(0.95, then, now),
        days=now,
        histogram=tuple(
            HistogramBucket(*bounds(place), label(place), count) for place, count in enumerate(_sum_histograms(now))
        ),
        workload=_workload(scope, period.end),
        as_of=_as_of(),
    )


LevelName = Literal["open", "overdue"]
FlowName = Literal["created", "completed"]


def _end_of_day_kpi(name: LevelName, then: Sequence[DayResult], now: Sequence[DayResult]) -> Kpi:
    series = tuple(getattr(day, name) for day in now)
    return Kpi(series[-1], getattr(then[-1], name), series)


def _sum_kpi(name: FlowName, then: Sequence[DayResult], now: Sequence[DayResult]) -> Kpi:
    series = tuple(getattr(day, name) for day in now)
    return Kpi(sum(series), sum(getattr(day, name) for day in then), series)


def _throughput_kpi(sums: Kpi, days: int) -> Kpi:
    return Kpi((sums.value or 0) / days, (sums.previous or 0) / days, sums.series)


def _cycle_time_kpi(share: float, then: Sequence[DayResult], now: Sequence[DayResult]) -> Kpi:
    series = tuple(percentile(day.cycle_histogram, share) for day in now)
    return Kpi(percentile(_sum_histograms(now), share), percentile(_sum_histograms(then), share), series)


def _sum_histograms(days: Sequence[DayResult]) -> tuple[int, ...]:
    return tuple(map(sum, zip(EMPTY_HISTOGRAM, *(day.cycle_histogram for day in days), strict=True)))


def _stats(scope: Scope) -> DailyStatQuerySet:
    return DailyStat.objects.in_projects(scope.project_ids).for_user(scope.user_id)


def _days(scope: Scope, period: Period) -> tuple[DayResult, ...]:
    rows = _stats(scope).between(period.start, period.end).values("day").annotate(**SUM_COLUMNS, **BUCKET_SUM_COLUMNS)
    found: dict[date, dict[str, Any]] = {row["day"]: dict(row) for row in rows}
    open_, overdue = _opening_balance(scope, period.start)
    days = []
    for date_ in period.days():
        row = found.get(date_, {})
        open_ += row.get("created", 0) - row.get("closed", 0)
        overdue += row.get("overdue_change", 0)
        days.append(_day(date_, row, open_, overdue))
    return tuple(days)


def _day(date_: date, row: dict[str, Any], open_: int, overdue: int) -> DayResult:
    created, completed, closed = (row.get(name, 0) for name in ("created", "completed", "closed"))
    cycles = tuple(row.get(name) or 0 for name in BUCKET_SUM_COLUMNS)
    return DayResult(date_, created, completed, closed, open_, overdue, cycles)


def _opening_balance(scope: Scope, start: date) -> tuple[int, int]:
    """Return how many tasks were open and overdue when this day began."""
    sums = (
        _stats(scope)
        .before(start)
        .aggregate(open=Sum(F("created") - F("closed"), default=0), overdue=Sum("overdue_change", default=0))
    )
    return sums["open"], sums["overdue"]


def _workload(scope: Scope, end: date) -> tuple[UserWorkload, ...]:
    people = DailyStat.objects.in_projects(scope.project_ids).until(end)
    people = people.for_user(scope.user_id) if scope.user_id else people.by_user()
    loads = people.values("user_id").annotate(open=Sum(F("created") - F("closed")), overdue=Sum("overdue_change"))
    rows = [(row["user_id"], row["open"], row["overdue"]) for row in loads if row["user_id"] and row["open"] > 0]
    names = dict(User.objects.filter(pk__in=[user for user, *_ in rows]).values_list("pk", "name"))
    gone = gettext("Someone who left")
    found = [UserWorkload(user, names.get(user, gone), open_, overdue) for user, open_, overdue in rows]
    return tuple(sorted(found, key=lambda load: (-load.overdue, -load.open, load.name, load.user_id)))


def _as_of() -> datetime | None:
    found: datetime | None = TaskSnapshot.objects.aggregate(at=Max("counted_at"))["at"]
    return found
