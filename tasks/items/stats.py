"""Statistics of the visible tasks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Any, NamedTuple

from django.db.models import Count, DurationField, ExpressionWrapper, F, Q, Sum
from django.utils.translation import gettext

from accounts.models import User
from core.errors import NotFound
from core.sql_templates import MAX_TEMPLATES, Param, Statement
from tasks import cache
from tasks.filters.selectors import TaskFilters
from tasks.items import query_shape
from tasks.items.query_shape import QueryShape
from tasks.models import Category, Priority
from tasks.projects.selectors import NIL_UUID


class StatsBucket(NamedTuple):
    """Counts of the tasks of one state and priority. Durations are sums, None without tasks."""

    category: str
    status: str
    priority: int
    total: int
    open: int
    overdue: int
    age: timedelta | None
    time_to_done: timedelta | None


def get_task_stats(
    user: User, *, project: str = "", assignee: Sequence[str] = (), now: datetime, today: date
) -> dict[str, Any]:
    """Return counts by category, status and priority, overdue tasks and averages of the visible tasks.

    `project` (id or key) and `assignee` (ids, `me`, `none`) narrow them. Raises NotFound for an unknown project.
    """
    filters = TaskFilters(now=now, today=today, project=project, assignee=list(assignee))
    # The key names the minute, since overdue and ages depend on the clock.
    scope = f"{project}:{','.join(assignee)}:{today}:{now:%H:%M}"

    def compute() -> dict[str, Any]:
        shape, values = query_shape.parametrize(user, filters)
        if values.get("project") == NIL_UUID:
            raise NotFound(gettext("There is no such project."))
        statement = _stats_statement(shape)
        buckets = [StatsBucket(*row) for row in statement.run(values)] if statement else []
        total, open_count = sum(bucket.total for bucket in buckets), sum(bucket.open for bucket in buckets)
        by_category = _sum_by((bucket.category, bucket.total) for bucket in buckets)
        by_priority = _sum_by((bucket.priority, bucket.total) for bucket in buckets)
        by_status = _sum_by((bucket.status, bucket.total) for bucket in buckets)
        durations = [bucket.time_to_done for bucket in buckets]
        return {
            "total": total,
            "open": open_count,
            "overdue": sum(bucket.overdue for bucket in buckets),
            "by_category": {name: by_category[name] for name in Category.values},
            "by_status": dict(sorted(by_status.items())),
            "by_priority": {priority.name.lower(): by_priority[priority.value] for priority in Priority},
            "average_age_hours": _average_hours((bucket.age for bucket in buckets), open_count),
            "average_hours_to_done": _average_hours(durations, by_category[Category.DONE]),
        }

    return cache.cached_stats(user.pk, scope, build=compute)


@lru_cache(maxsize=MAX_TEMPLATES)
def _stats_statement(shape: QueryShape) -> Statement | None:
    """Return the statement that reads all visible tasks once, grouped by state and priority."""
    now: Any = Param("now")
    overdue = Q(closed_at=None) & (Q(due_at__lt=now) | Q(due_date__lt=Param("today")))
    age = ExpressionWrapper(now - F("created_at"), output_field=DurationField())
    duration = ExpressionWrapper(F("closed_at") - F("created_at"), output_field=DurationField())
    # Sums and counts instead of averages: averages of groups cannot be added up.
    groups = shape.rows().order_by().values_list("category", "state__slug", "priority")
    return Statement.of(
        groups.annotate(
            total=Count("pk"),
            open=Count("pk", filter=Q(closed_at=None)),
            overdue=Count("pk", filter=overdue),
            age=Sum(age, filter=Q(closed_at=None)),
            time_to_done=Sum(duration, filter=Q(category=Category.DONE)),
        )
    )


def _sum_by(pairs: Iterable[tuple[Any, int]]) -> Counter[Any]:
    totals: Counter[Any] = Counter()
    # Not Counter(dict(pairs)): several groups have the same name.
    for name, count in pairs:
        totals[name] += count
    return totals


def _average_hours(durations: Iterable[timedelta | None], count: int) -> float | None:
    total = sum((duration for duration in durations if duration is not None), timedelta())
    return round((total / count).total_seconds() / 3600, 1) if count else None
