from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from django.db.models import Avg, Count, DurationField, ExpressionWrapper, F, Q

from accounts.models import User
from tasks import cache
from tasks.models import Category, Priority, Task
from tasks.selectors.projects import get_project


def task_stats(
    user: User, *, project: str = "", assignee: Sequence[str] = (), now: datetime, today: date
) -> dict[str, Any]:
    """Counts by category, status and priority, overdue and averages, over what a person sees.

    `project` (id or key) and `assignee` (ids, `me`, `none`) narrow it.
    """
    rows = Task.objects.visible_to(user)
    if project:
        rows = rows.filter(project=get_project(user, project))
    if assignee:
        rows = rows.assigned_to([str(user.pk) if key == "me" else key for key in assignee])
    scope = f"{project}:{','.join(assignee)}:{today}"
    return cache.stats(user.pk, scope, build=lambda: _count(rows, now, today))


def _count(rows: Any, now: datetime, today: date) -> dict[str, Any]:
    taken = ExpressionWrapper(F("closed_at") - F("created_at"), output_field=DurationField())
    late = Q(closed_at=None) & (Q(due_at__lt=now) | Q(due_date__lt=today))
    totals = rows.aggregate(
        total=Count("pk"),
        open=Count("pk", filter=Q(closed_at=None)),
        overdue=Count("pk", filter=late),
        average_age=Avg(now - F("created_at"), filter=Q(closed_at=None), output_field=DurationField()),
        average_time_to_done=Avg(taken, filter=Q(category=Category.DONE)),
    )
    by_state = rows.values("category", "state__slug").order_by().annotate(count=Count("pk"))
    by_priority = rows.order_by().values_list("priority").annotate(count=Count("pk"))
    return {
        "total": totals["total"],
        "open": totals["open"],
        "overdue": totals["overdue"],
        "by_category": _by_category(by_state),
        "by_status": _by_status(by_state),
        "by_priority": {p.name.lower(): dict(by_priority).get(p.value, 0) for p in Priority},
        "average_age_hours": _hours(totals["average_age"]),
        "average_hours_to_done": _hours(totals["average_time_to_done"]),
    }


def _by_category(rows: Any) -> dict[str, int]:
    found = dict.fromkeys(Category.values, 0)
    for row in rows:
        found[row["category"]] += row["count"]
    return found


def _by_status(rows: Any) -> dict[str, int]:
    found: dict[str, int] = {}
    for row in rows:
        found[row["state__slug"]] = found.get(row["state__slug"], 0) + row["count"]
    return dict(sorted(found.items()))


def _hours(duration: Any) -> float | None:
    return round(duration.total_seconds() / 3600, 1) if duration is not None else None
