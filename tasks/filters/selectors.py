import uuid
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any

from django.db.models import QuerySet

from accounts.models import User
from core.api.pagination import Sort
from core.sql_templates import any_of
from tasks.filters.conditions import Condition, to_q
from tasks.models import Comment, Label, Project, ProjectMember, Task
from tasks.models.search import is_match
from tasks.models.task import TaskQuerySet
from tasks.projects import selectors as projects_selectors


@dataclass(frozen=True, slots=True)
class FilterChoices:
    """Projects, people and label names to choose from in the filters of the list."""

    projects: Sequence[Project]
    people: Sequence[User]
    labels: Sequence[str]
    # The only project of the list, if it is a project's own.
    project: Project | None = None


def filter_choices(user: User, project: Project | None = None) -> FilterChoices:
    """Return the choices of the list's filters: of all visible projects, or of one."""
    projects = projects_selectors.list_current_projects(user)
    if project and project not in projects:  # an archived one: its page still filters by it
        projects.append(project)
    ids = [project.pk] if project else [visible.pk for visible in projects]
    people = list_people(ids)
    labels = Label.objects.filter(project__in=ids).order_by("name").values_list("name", flat=True).distinct()
    return FilterChoices(projects, list(people), list(labels[:500]), project)


def list_people(project_ids: Collection[uuid.UUID]) -> QuerySet[User]:
    """Return the members of these projects by name, each once."""
    here = ProjectMember.objects.filter(project__in=project_ids).values("user")
    return User.objects.active().filter(pk__in=here).order_by("name")


# Days and instants are one order: a day counts as its end in the reader's time zone (TaskQuerySet.with_due_instant).
DUE_SORT = Sort("due_instant", nullable=True)
TASK_SORTS = {
    "created_at": Sort("created_at"),
    "updated_at": Sort("updated_at"),
    "priority": Sort("priority"),
    "title": Sort("title_key"),
    "number": Sort("number"),
    "position": Sort("position"),
    "due_date": DUE_SORT,
    "due_at": DUE_SORT,
    "start_date": Sort("start_date", nullable=True),
    "closed_at": Sort("closed_at", nullable=True),
    "estimate": Sort("estimate", nullable=True),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskFilters:
    """Filters of a task list; an empty value filters nothing.

    `now`, `today` and `zone` (see `sql_time_zone`) are the reader's clock and calendar. `guest` is the id of a reader who sees single
    shared tasks: `parent` is evaluated as far as they see the parents.
    """

    now: datetime
    today: date
    zone: Any = "UTC"
    search: str = ""
    # Ids among which all matches of `search` are, if they are known.
    candidates: list[Any] | None = None
    # Instead of `search`, for words that many tasks have.
    words: str = ""
    project: str | uuid.UUID = ""
    # Ids of several projects.
    projects: list[Any] = field(default_factory=list)
    status: list[str] = field(default_factory=list)
    category: list[str] = field(default_factory=list)
    priority: list[int] = field(default_factory=list)
    assignee: list[str] = field(default_factory=list)
    creator: list[str] = field(default_factory=list)
    label: list[str] = field(default_factory=list)
    parent: str = ""
    overdue: bool | None = None
    due_after: date | None = None
    due_before: date | None = None
    updated_since: datetime | None = None
    # What the parameters cannot say; see tasks.filters.compiler.
    condition: Condition | None = None
    guest: Any = None


def filter_visible(user: User, filters: TaskFilters) -> TaskQuerySet:
    """Return the visible tasks that pass every filter."""
    return apply_filters(Task.objects.visible_to(user), resolve_refs(user, filters))


def resolve_refs(user: User, filters: TaskFilters) -> TaskFilters:
    """Return the filters with `me` and project keys replaced by ids."""
    return replace(
        filters,
        project=projects_selectors.resolve_project_id(user, filters.project) if filters.project else "",
        assignee=[_resolve_me(user, key) for key in filters.assignee],
        creator=[_resolve_me(user, key) for key in filters.creator],
        guest=user.pk if user.is_guest and not user.is_staff_or_admin else None,
    )


def apply_filters(rows: TaskQuerySet, filters: TaskFilters) -> TaskQuerySet:
    """Return the tasks that pass every filter; `me` and project keys must be resolved."""
    for name, value in active_filters(filters):
        # Each filter narrows by a condition or a subquery, so their order does not matter.
        rows = FILTERS[name](rows, value, filters)
    return rows


def active_filters(filters: TaskFilters) -> Iterator[tuple[str, Any]]:
    """Yield the filters in use. Their order, that of FILTERS, is a part of the query shape."""
    for name in FILTERS:
        value = getattr(filters, name)
        if value not in ("", [], None):
            yield name, value


FilterFunction = Callable[[TaskQuerySet, Any, TaskFilters], TaskQuerySet]


# Each takes the rows, its own value and all the filters, since some depend on others.
FILTERS: dict[str, FilterFunction] = {
    "project": lambda rows, key, _: rows.filter(project=key),
    "projects": lambda rows, ids, _: rows.filter(any_of("project", ids)),
    "status": lambda rows, slugs, _: rows.filter(state__slug__in=slugs),
    "category": lambda rows, names, _: rows.in_categories(names),
    "priority": lambda rows, numbers, _: rows.filter(priority__in=numbers),
    "assignee": lambda rows, users, _: rows.assigned_to(users),
    "creator": lambda rows, users, _: rows.created_by(users),
    "label": lambda rows, names, _: rows.with_labels(names),
    "parent": lambda rows, key, filters: rows.with_parent(key, guest=filters.guest),
    "overdue": lambda rows, value, filters: rows.overdue(filters.now, filters.today, value=value),
    "due_after": lambda rows, day, filters: rows.due_from(day, filters.zone),
    "due_before": lambda rows, day, filters: rows.due_until(day, filters.zone),
    "updated_since": lambda rows, instant, _: rows.filter(updated_at__gte=instant),
    "condition": lambda rows, condition, filters: rows.filter(to_q(condition, filters)),
    "search": lambda rows, text, filters: rows.search(text, filters.candidates),
    "words": lambda rows, text, _: rows.filter(is_match(Comment.objects, text)),
}


def _resolve_me(user: User, key: str) -> str:
    return str(user.pk) if key == "me" else key
