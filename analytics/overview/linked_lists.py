"""Lists of tasks that the overview counts and links: the number and the list come from the same filters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.db.models import Count, F, Window
from django.urls import reverse
from django.utils.translation import gettext

from accounts.models import User
from analytics.overview import selectors
from analytics.overview.results import Kpi, Overview, Period, Scope
from core.time_zones import sql_time_zone
from tasks.filters.forms import WEEKDAYS
from tasks.filters.selectors import TaskFilters
from tasks.filters.syntax_tree import to_text
from tasks.filters.terms import OPEN_CATEGORIES
from tasks.filters.url_params import tree_of_params
from tasks.items.page_queries import bounded_count, filter_page_tasks
from tasks.models import Project, Task

MAX_DAY_TASKS = 10


@dataclass(frozen=True, slots=True)
class DayList:
    """One list of "My day": the first tasks, the number of all, and the page that shows all of them."""

    name: str
    empty: str
    url: str
    tasks: Sequence[Task]
    count: int


def open_filters(user: User, project: Project | None, *, now: datetime, today: date) -> TaskFilters:
    """Return the filters of the task list without parameters: open tasks, of one project or all."""
    return TaskFilters(
        now=now,
        today=today,
        zone=sql_time_zone(user.time_zone),
        category=list(OPEN_CATEGORIES),
        project=project.key if project else "",
    )


def exact_kpis(
    user: User, project: Project | None, result: Overview, *, now: datetime, today: date, current: Sequence[UUID]
) -> dict[str, Kpi]:
    """Return the figures that differ from the statistics, counted as the linked lists do.

    The list hides archived projects among the open tasks, knows the hour of the day, and has single tasks shared with
    a guest. The statistics know none of these.
    """
    values = {"overdue": count_overdue(user, project, now=now, today=today)}
    if user.is_guest and not user.is_staff_or_admin:
        start, filters = result.period.start, open_filters(user, project, now=now, today=today)
        values["open"] = _count(user, filters)
        values["created"] = _count(user, replace(filters, category=[]), created_from=start)
        values["completed"] = _count(user, replace(filters, category=["done"]), closed_from=start)
    elif project is None:
        day = Period.of(result.period.end, result.period.end)
        values["open"] = selectors.daily(Scope(tuple(sorted(current))), day)[0].open
    return {name: replace(getattr(result, name), value=value) for name, value in values.items()}


def _count(
    user: User, filters: TaskFilters, *, created_from: date | None = None, closed_from: date | None = None
) -> int:
    return bounded_count(filter_page_tasks(user, filters, created_from=created_from, closed_from=closed_from))


def count_overdue(user: User, project: Project | None, *, now: datetime, today: date) -> int:
    """Count the overdue tasks as the linked list does: at this moment, by the reader's calendar."""
    filters = replace(open_filters(user, project, now=now, today=today), overdue=True)
    return _count(user, filters)


def my_day(user: User, project: Project | None, *, now: datetime, today: date) -> list[DayList]:
    """Return a user's own open tasks that are overdue, due today, and later this week; one query each.

    On the last day of the user's week the last list has the next week.
    """
    own = replace(open_filters(user, project, now=now, today=today), assignee=["me"])
    days_left = (WEEKDAYS[user.week_start] - today.weekday() - 1) % 7
    tomorrow, week_end = today + timedelta(days=1), today + timedelta(days=days_left or 7)
    scope = {"project": project.key} if project else {}
    text = to_text(
        tree_of_params(
            {
                **scope,
                "category": list(OPEN_CATEGORIES),
                "assignee": ["me"],
                "due_after": tomorrow,
                "due_before": week_end,
            }
        )
    )
    week = gettext("This week") if days_left else gettext("Next week")
    return [
        _day_list(user, gettext("Overdue"), replace(own, overdue=True), {"assignee": "me", "due": "overdue", **scope}),
        _day_list(
            user,
            gettext("Today"),
            replace(own, due_after=today, due_before=today),
            {"assignee": "me", "due": "today", **scope},
        ),
        _day_list(user, week, replace(own, due_after=tomorrow, due_before=week_end), {"filter": text}),
    ]


def _day_list(user: User, name: str, filters: TaskFilters, params: dict[str, Any]) -> DayList:
    rows = filter_page_tasks(user, filters, created_from=None, closed_from=None)
    counted = rows.with_due_instant(filters.zone).annotate(total=Window(Count("*"))).select_related("project")
    tasks: list[Any] = list(
        counted.defer("search", "description", "description_html").order_by(F("due_instant").asc(), "-priority", "pk")[
            :MAX_DAY_TASKS
        ]
    )
    return DayList(
        name=name,
        empty=gettext("Nothing is overdue.") if filters.overdue else gettext("Nothing is due."),
        url=f"{reverse('task-list')}?{urlencode(params)}",
        tasks=tasks,
        count=tasks[0].total if tasks else 0,
    )
