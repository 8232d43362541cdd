"""Questions about the numbers. The contract for pages and API:

    scope = scope_for(user, project_id=None, person_id=None)   NotFound for a project the user may not see
    period = Period.of(start, end)                             whole UTC days, both included; raises Invalid
    period = Period.ending(today, length=28)
    overview(scope, period) -> Overview                        five queries, however many rows
    daily(scope, period) -> tuple[Day, ...]                    two queries

`Overview` (analytics.figures) holds finished things. Its `Kpi` are `open overdue created completed throughput
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
from analytics.figures import Bar, Day, Kpi, Load, Overview, Period, Scope
from analytics.histogram import BUCKETS, EMPTY, bounds, label, percentile
from analytics.models import DailyStat, TaskSnapshot
from analytics.querysets import DailyStatQuerySet
from core.errors import NotFound
from tasks import selectors as tasks

__all__ = ["Overview", "Period", "Scope", "daily", "overview", "scope_for"]

SUMS = {name: Sum(name) for name in ("created", "completed", "closed", "overdue_change")}
BUCKET_SUMS = {f"bucket_{place}": Sum(f"cycle_histogram__{place}") for place in range(BUCKETS)}


def scope_for(user: User, *, project_id: UUID | None = None, person_id: UUID | None = None) -> Scope:
    """Return what this user may count: all visible projects, or the one asked for if it is among them."""
    visible = tasks.visible_project_ids(user)
    if project_id is None:
        return Scope(tuple(sorted(visible)), person_id)
    if project_id not in visible:
        raise NotFound("There is no such project.")
    return Scope((project_id,), person_id)


def overview(scope: Scope, period: Period) -> Overview:
    return cache.answer(_name("overview", scope, period), lambda: _overview(scope, period))


def daily(scope: Scope, period: Period) -> tuple[Day, ...]:
    return cache.answer(_name("daily", scope, period), lambda: _days(scope, period))


def _name(question: str, scope: Scope, period: Period) -> str:
    asked = repr((scope, period)).encode()
    return f"{question}:{blake2b(asked, digest_size=16).hexdigest()}"


def _overview(scope: Scope, period: Period) -> Overview:
    days = _days(scope, Period(period.before.start, period.end))
    then, now = days[: period.length], days[period.length :]
    completed = _summed("completed", then, now)
    return Overview(
        period=period,
        open=_standing("open", then, now),
        overdue=_standing("overdue", then, now),
        created=_summed("created", then, now),
        completed=completed,
        throughput=_per_day(completed, period.length),
        cycle_median=_cycle(0.5, then, now),
        cycle_p85=_cycle(0.85, then, now),
        cycle_p95=_cycle(0.95, then, now),
        days=now,
        histogram=tuple(Bar(*bounds(place), label(place), count) for place, count in enumerate(_cycles(now))),
        workload=_workload(scope, period.end),
        as_of=_as_of(),
    )


Level = Literal["open", "overdue"]
Flow = Literal["created", "completed"]


def _standing(name: Level, then: Sequence[Day], now: Sequence[Day]) -> Kpi:
    series = tuple(getattr(day, name) for day in now)
    return Kpi(series[-1], getattr(then[-1], name), series)


def _summed(name: Flow, then: Sequence[Day], now: Sequence[Day]) -> Kpi:
    series = tuple(getattr(day, name) for day in now)
    return Kpi(sum(series), sum(getattr(day, name) for day in then), series)


def _per_day(sums: Kpi, days: int) -> Kpi:
    return Kpi((sums.value or 0) / days, (sums.previous or 0) / days, sums.series)


def _cycle(share: float, then: Sequence[Day], now: Sequence[Day]) -> Kpi:
    series = tuple(percentile(day.cycle_histogram, share) for day in now)
    return Kpi(percentile(_cycles(now), share), percentile(_cycles(then), share), series)


def _cycles(days: Sequence[Day]) -> tuple[int, ...]:
    return tuple(map(sum, zip(EMPTY, *(day.cycle_histogram for day in days), strict=True)))


def _stats(scope: Scope) -> DailyStatQuerySet:
    return DailyStat.objects.in_projects(scope.project_ids).of_person(scope.person_id)


def _days(scope: Scope, period: Period) -> tuple[Day, ...]:
    rows = _stats(scope).between(period.start, period.end).values("day").annotate(**SUMS, **BUCKET_SUMS)
    found: dict[date, dict[str, Any]] = {row["day"]: dict(row) for row in rows}
    open_, overdue = _balance(scope, period.start)
    days = []
    for date_ in period.days():
        row = found.get(date_, {})
        open_ += row.get("created", 0) - row.get("closed", 0)
        overdue += row.get("overdue_change", 0)
        days.append(_day(date_, row, open_, overdue))
    return tuple(days)


def _day(date_: date, row: dict[str, Any], open_: int, overdue: int) -> Day:
    created, completed, closed = (row.get(name, 0) for name in ("created", "completed", "closed"))
    cycles = tuple(row.get(name) or 0 for name in BUCKET_SUMS)
    return Day(date_, created, completed, closed, open_, overdue, cycles)


def _balance(scope: Scope, start: date) -> tuple[int, int]:
    """Return how many tasks were open and overdue when this day began."""
    sums = (
        _stats(scope)
        .before(start)
        .aggregate(open=Sum(F("created") - F("closed"), default=0), overdue=Sum("overdue_change", default=0))
    )
    return sums["open"], sums["overdue"]


def _workload(scope: Scope, end: date) -> tuple[Load, ...]:
    people = DailyStat.objects.in_projects(scope.project_ids).until(end)
    people = people.of_person(scope.person_id) if scope.person_id else people.by_person()
    loads = people.values("person_id").annotate(open=Sum(F("created") - F("closed")), overdue=Sum("overdue_change"))
    rows = [(row["person_id"], row["open"], row["overdue"]) for row in loads if row["person_id"] and row["open"] > 0]
    names = dict(User.objects.filter(pk__in=[person for person, *_ in rows]).values_list("pk", "name"))
    gone = gettext("Someone who left")
    found = [Load(person, names.get(person, gone), open_, overdue) for person, open_, overdue in rows]
    return tuple(sorted(found, key=lambda load: (-load.overdue, -load.open, load.name, load.person_id)))


def _as_of() -> datetime | None:
    found: datetime | None = TaskSnapshot.objects.aggregate(at=Max("counted_at"))["at"]
    return found
