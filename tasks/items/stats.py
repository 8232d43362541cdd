from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Any, NamedTuple

from django.db.models import Count, DurationField, ExpressionWrapper, F, Q, Sum

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
    """The tasks of one status and priority, counted; durations are summed, None where there is nothing to sum."""

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
    """Counts by category, status and priority, overdue and averages, over what a person sees.

    `project` (id or key) and `assignee` (ids, `me`, `none`) narrow it.
    """
    filters = TaskFilters(now=now, today=today, project=project, assignee=list(assignee))
    # Good for the minute it names: one who keeps it further, until that minute ends, has it no longer than that.
    scope = f"{project}:{','.join(assignee)}:{today}:{now:%H:%M}"
    return cache.cached_stats(user.pk, scope, build=lambda: _compute(user, filters))


def _compute(user: User, filters: TaskFilters) -> dict[str, Any]:
    shape, values = query_shape.parametrize(user, filters)
    if values.get("project") == NIL_UUID:
        raise NotFound("There is no such project.")
    counting = _stats_statement(shape)
    return _aggregate([StatsBucket(*row) for row in counting.run(values)] if counting else [])


@lru_cache(maxsize=MAX_TEMPLATES)
def _stats_statement(shape: QueryShape) -> Statement | None:
    """One reading of all that the reader sees, whatever is counted."""
    now: Any = Param("now")
    late = Q(closed_at=None) & (Q(due_at__lt=now) | Q(due_date__lt=Param("today")))
    age = ExpressionWrapper(now - F("created_at"), output_field=DurationField())
    taken = ExpressionWrapper(F("closed_at") - F("created_at"), output_field=DurationField())
    heaps = shape.rows().order_by().values_list("category", "state__slug", "priority")
    return Statement.of(
        heaps.annotate(
            total=Count("pk"),
            open=Count("pk", filter=Q(closed_at=None)),
            overdue=Count("pk", filter=late),
            age=Sum(age, filter=Q(closed_at=None)),
            time_to_done=Sum(taken, filter=Q(category=Category.DONE)),
        )
    )


def _aggregate(heaps: list[StatsBucket]) -> dict[str, Any]:
    total, is_open = sum(heap.total for heap in heaps), sum(heap.open for heap in heaps)
    by_category = _sum_by((heap.category, heap.total) for heap in heaps)
    by_priority = _sum_by((heap.priority, heap.total) for heap in heaps)
    by_status = _sum_by((heap.status, heap.total) for heap in heaps)
    return {
        "total": total,
        "open": is_open,
        "overdue": sum(heap.overdue for heap in heaps),
        "by_category": {name: by_category[name] for name in Category.values},
        "by_status": dict(sorted(by_status.items())),
        "by_priority": {priority.name.lower(): by_priority[priority.value] for priority in Priority},
        "average_age_hours": _average_hours((heap.age for heap in heaps), is_open),
        "average_hours_to_done": _average_hours((heap.time_to_done for heap in heaps), by_category[Category.DONE]),
    }


def _sum_by(pairs: Iterable[tuple[Any, int]]) -> Counter[Any]:
    found: Counter[Any] = Counter()
    for name, count in pairs:
        found[name] += count
    return found


def _average_hours(durations: Iterable[timedelta | None], count: int) -> float | None:
    summed = sum((one for one in durations if one is not None), timedelta())
    return round((summed / count).total_seconds() / 3600, 1) if count else None
