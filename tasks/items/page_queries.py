"""Reads of the task pages beyond those of the API: table rows, counts, overdue tasks, recent activity."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time
from typing import Any

from django.db.models import (
    Case,
    CharField,
    Count,
    F,
    IntegerField,
    OuterRef,
    QuerySet,
    Subquery,
    When,
    Window,
)
from django.db.models import Value as DbValue

from accounts.models import User
from core.api.pagination import Page, PageRequest, apply_ordering, build_numbered_page, page_offset, paginate
from core.text import truncate
from core.time_zones import sql_time_zone
from events.models import Event
from tasks import policies
from tasks.custom_fields import selectors as custom_fields_selectors
from tasks.filters import selectors as filters_selectors
from tasks.filters.columns import field_keys
from tasks.filters.selectors import TaskFilters
from tasks.items.progress import guest_id, progress_columns
from tasks.models import Category, Project, Role, State, Task, TaskAssignee
from tasks.models.task import CLOSED_CATEGORIES, TaskQuerySet
from tasks.projects.selectors import roles_by_project, states_by_project, visible_project_ids

MAX_COUNT, MAX_SEARCH_COUNT = 10_000, 100
MAX_CHOICE_LENGTH = 60
CATEGORY_LABELS = dict(Category.choices)
# Without task.assigned and the like, which repeat what task.updated says.
FEED_EVENTS = ("task.created", "task.updated", "task.moved_to_project", "task.commented", "task.deleted")


@dataclass(frozen=True, slots=True)
class TaskTableRow:
    """A task as a table shows it. `states` are those it can be moved to, none for a reader without edit rights."""

    task: Task
    states: Sequence[State]
    is_overdue: bool
    # Values of custom fields as text, by the name of their column.
    fields: Mapping[str, str] = field(default_factory=dict)


def hides_archived(filters: TaskFilters) -> bool:
    """Return whether a list leaves out open tasks of archived projects."""
    return not filters.project and bool(filters.category) and not {*CLOSED_CATEGORIES} & {*filters.category}


def filter_page_tasks(
    user: User, filters: TaskFilters, *, created_from: date | None, closed_from: date | None
) -> TaskQuerySet:
    """Return the visible tasks that pass the filters, created or closed since a day (UTC)."""
    rows = filters_selectors.filter_visible(user, filters)
    if hides_archived(filters):
        rows = rows.filter(project__archived_at=None)
    if created_from:
        rows = rows.filter(created_at__gte=_start_of_day(created_from))
    if closed_from:
        rows = rows.filter(closed_at__gte=_start_of_day(closed_from))
    return rows


def count_closed_matches(
    user: User, filters: TaskFilters, *, created_from: date | None = None, closed_from: date | None = None
) -> int:
    """Count the closed tasks that a search among open ones leaves out.

    At most MAX_SEARCH_COUNT + 1, and 0 for a list without a search.
    """
    if not filters.search or not filters.category or set(filters.category) & set(CLOSED_CATEGORIES):
        return 0
    return bounded_count(
        filter_page_tasks(
            user,
            replace(filters, category=list(CLOSED_CATEGORIES)),
            created_from=created_from,
            closed_from=closed_from,
        ),
        MAX_SEARCH_COUNT,
    )


def count_archived_matches(
    user: User, filters: TaskFilters, *, created_from: date | None = None, closed_from: date | None = None
) -> int:
    """Count the open tasks of archived projects that a search leaves out, as `count_closed_matches` does."""
    if not filters.search or not hides_archived(filters):
        return 0
    # Without a category, archived projects are not left out.
    rows = filter_page_tasks(
        user, replace(filters, category=[]), created_from=created_from, closed_from=closed_from
    ).filter(category__in=filters.category, project__archived_at__isnull=False)
    return bounded_count(rows, MAX_SEARCH_COUNT)


def _start_of_day(day: date) -> datetime:
    return datetime.combine(day, time(), tzinfo=UTC)


def paginate_tasks(user: User, rows: TaskQuerySet, page_request: PageRequest, *, zone: str) -> Page[Task]:
    """Return a page of tasks with their progress; days end in the time zone."""
    if page_request.sort == filters_selectors.DUE_SORT:
        rows = rows.with_due_instant(zone)
    return paginate(rows.with_relations().annotate(**progress_columns(guest=guest_id(user))), page_request)


def with_progress(user: User, task: Task) -> Task:
    """Return the task with the progress columns that a page of tasks has."""
    columns = progress_columns(guest=guest_id(user))
    for name, counts in Task.objects.filter(pk=task.pk).annotate(**columns).values(*columns)[0].items():
        setattr(task, name, counts)
    return task


def _group_columns(name: str, project: Project | None) -> dict[str, Any]:
    """Return the place, key and name of a task's group; null in the group of tasks without."""
    if name == "section":
        return {"group_place": F("section__position"), "group_key": F("section_id"), "group_name": F("section__name")}
    if name == "assignee":
        # Of several, the first by name: a task is listed once.
        first = TaskAssignee.objects.filter(task=OuterRef("pk")).order_by("user__name", "user_id")
        user_name = Subquery(first.values("user__name")[:1])
        return {"group_place": user_name, "group_key": Subquery(first.values("user_id")[:1]), "group_name": user_name}
    if project:
        return {"group_place": F("state__position"), "group_key": F("state_id"), "group_name": F("state__name")}
    # Workflows differ by project: their categories are the same.
    places = [When(category=category, then=place) for place, category in enumerate(Category.values)]
    labels = [When(category=name, then=DbValue(str(label))) for name, label in CATEGORY_LABELS.items()]
    return {
        "group_place": Case(*places, output_field=IntegerField()),
        "group_key": F("category"),
        "group_name": Case(*labels, output_field=CharField()),
    }


def paginate_groups(
    user: User,
    rows: TaskQuerySet,
    name: str,
    page_request: PageRequest,
    *,
    project: Project | None,
    zone: str,
    count: int,
) -> Page[Task]:
    """Return a numbered page of the tasks, ordered by their group first; each has the total of its group.

    Sorting reads all matching tasks, so their `count` must be bounded.
    """
    if page_request.sort == filters_selectors.DUE_SORT:
        rows = rows.with_due_instant(zone)
    start = page_offset(page_request)
    within = apply_ordering(rows, page_request).query.order_by
    grouped: Any = rows.annotate(**_group_columns(name, project))
    grouped = grouped.annotate(group_total=Window(Count("*"), partition_by=[F("group_key")]))
    ordered = grouped.with_relations().annotate(**progress_columns(guest=guest_id(user)))
    ordered = ordered.order_by(F("group_place").asc(nulls_last=True), "group_key", *within)
    return build_numbered_page(list(ordered[start : start + page_request.limit]), page_request, count)


def bounded_count(rows: QuerySet[Task], limit: int = MAX_COUNT) -> int:
    """Count the rows up to the limit + 1: a larger exact number would cost a scan."""
    return rows.order_by().values("pk")[: limit + 1].count()


def build_rows(
    user: User, tasks: Iterable[Task], *, now: datetime, today: date, columns: Sequence[str] = ()
) -> list[TaskTableRow]:
    """Return tasks as table rows: two queries, however many rows.

    A third reads the custom fields among the columns.
    """
    listed = list(tasks)
    projects = {task.project_id: task.project for task in listed}
    roles = roles_by_project(user, projects.values())
    states = states_by_project(projects)
    keys = field_keys(columns)
    values = custom_fields_selectors.texts_by_task([task.pk for task in listed], keys) if keys else {}
    return [
        TaskTableRow(
            task,
            states[task.project_id] if can_edit_in(task.project, roles) else (),
            task.is_overdue(now, today),
            values.get(task.pk, {}),
        )
        for task in listed
    ]


def can_edit_in(project: Project, roles: dict[uuid.UUID, Role | None]) -> bool:
    """Return whether the role in this project permits changes to its tasks now."""
    return project.archived_at is None and policies.can_edit(roles[project.pk])


def list_overdue(user: User, project: Project | None, *, now: datetime, today: date, limit: int) -> list[Task]:
    """Return the overdue tasks, most urgent first, then longest overdue."""
    overdue = filters_selectors.filter_visible(
        user, TaskFilters(now=now, today=today, overdue=True, project=project.key if project else "")
    )
    if project is None:
        overdue = overdue.filter(project__archived_at=None)
    in_due_order = overdue.with_due_instant(sql_time_zone(user.time_zone))
    return list(in_due_order.with_relations().order_by("-priority", F("due_instant").asc(), "pk")[:limit])


def list_recent_activity(user: User, project: Project | None, *, limit: int) -> list[Event]:
    """Return the latest events of a user's visible tasks, found by the tasks changed last."""
    ids = [project.pk] if project else visible_project_ids(user)
    touched = Task.objects.filter(project__in=ids).order_by("-updated_at", "-pk").values_list("pk", flat=True)
    # Four times as many tasks as entries: some of the newest changes are of kinds that the feed leaves out.
    events = Event.objects.filter(subject_id__in=list(touched[: limit * 4]), name__in=FEED_EVENTS)
    return list(events.order_by("-pk")[:limit])


def user_names(user_ids: Collection[str]) -> dict[str, str]:
    """Return the names of these users by id."""
    # Most tasks have no change of assignees to show.
    if not user_ids:
        return {}
    return {str(key): name for key, name in User.objects.filter(pk__in=user_ids).values_list("pk", "name")}


def parent_choices(task: Task, limit: int = 200) -> list[tuple[uuid.UUID, str]]:
    """Return the open tasks that may become the parent, and the present parent."""
    project = Task.objects.filter(project=task.project_id).exclude(pk=task.pk)
    rows = project.filter(closed_at=None).order_by("-updated_at").values_list("pk", "number", "title")[:limit]
    choices = [
        (task_id, f"{task.project.key}-{number} {truncate(title, MAX_CHOICE_LENGTH)}")
        for task_id, number, title in rows
    ]
    # The present parent may be closed or long untouched; without it a save would remove it.
    if task.parent and task.parent_id not in {task_id for task_id, _ in choices}:
        choices.insert(0, (task.parent.pk, f"{task.parent.key} {truncate(task.parent.title, MAX_CHOICE_LENGTH)}"))
    return choices
