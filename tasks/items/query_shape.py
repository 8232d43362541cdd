"""Shape of a task query: the kind of reader and the filters, without their values. It is the key of compiled SQL."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from accounts.models import User
from core.sql_templates import Param
from tasks.filters import conditions
from tasks.filters import selectors as filters_selectors
from tasks.filters.selectors import TaskFilters
from tasks.models import ProjectMember, Task
from tasks.models.task import TaskQuerySet

# Readers of more projects see so many of all tasks that these are walked, past those of other projects.
MAX_MERGED_PROJECTS = 100
# Filters that no index serves and many tasks pass.
COMPARED_FILTERS = frozenset({"assignee", "priority", "overdue", "condition"})


@dataclass(frozen=True, slots=True)
class QueryShape:
    """Kind of reader and filters of a task query, with parameters instead of values."""

    as_staff: bool
    guest: bool
    # Whether the reader sees so large a part of all tasks that a walk through these soon meets some.
    is_broad: bool
    filters: tuple[tuple[str, Any], ...]

    @property
    def names(self) -> frozenset[str]:
        """Names of the filters in use."""
        return frozenset(name for name, _ in self.filters)

    def value(self, name: str) -> Any:
        """Return the parameter of a filter, None for one that is not in use."""
        return dict(self.filters).get(name)

    def narrow(self, rows: TaskQuerySet, *, but: Collection[str] = ()) -> TaskQuerySet:
        """Apply the filters, except those named in `but`."""
        # A shape is a key of caches and holds tuples; the filters take lists.
        filters: Any = {
            name: list(value) if isinstance(value, tuple) else value for name, value in self.filters if name not in but
        }
        guest = Param("reader") if self.guest and not self.as_staff else None
        reader: Any = {"now": Param("now"), "today": Param("today"), "zone": Param("zone"), "guest": guest}
        return filters_selectors.apply_filters(rows, TaskFilters(**reader, **filters))

    def visible(self) -> TaskQuerySet:
        """Return the tasks that the reader sees, without the filters."""
        return Task.objects.visible_to_id(Param("reader"), as_staff=self.as_staff, guest=self.guest)

    def rows(self) -> TaskQuerySet:
        """Return the tasks that the reader sees and that pass the filters."""
        return self.narrow(self.visible())


def parametrize(user: User, filters: TaskFilters) -> tuple[QueryShape, dict[str, Any]]:
    """Return the shape of a query, and its values by parameter name."""
    values = {"reader": user.pk, "now": filters.now, "today": filters.today, "zone": filters.zone}
    parameters = tuple(
        (name, _replace_values(name, value, values))
        for name, value in filters_selectors.active_filters(filters_selectors.resolve_refs(user, filters))
    )
    compared = COMPARED_FILTERS & {name for name, _ in parameters}
    # Worth a query only where many rows may be compared.
    is_costly = filters.condition is not None or len(compared) > 1
    is_broad = user.is_staff_or_admin or (is_costly and _has_many_projects(user))
    return QueryShape(user.is_staff_or_admin, user.is_guest, is_broad, parameters), values


def _has_many_projects(user: User) -> bool:
    return ProjectMember.objects.filter(user=user).values("pk")[: MAX_MERGED_PROJECTS + 1].count() > MAX_MERGED_PROJECTS


def _replace_values(name: str, value: Any, values: dict[str, Any]) -> Any:
    if name == "condition":
        return conditions.parametrize(value, values)
    if isinstance(value, list):
        # A parameter for each item: the number of items is a part of the SQL.
        return tuple(_replace_values(f"{name}{index}", item, values) for index, item in enumerate(value))
    # These make other SQL, not other values; categories decide whether the index of open tasks serves the query.
    if value == "none" or isinstance(value, bool) or name.startswith("category") or name == "words":
        return value
    values[name] = value
    return Param(name)
