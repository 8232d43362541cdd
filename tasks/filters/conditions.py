"""Conditions of a filter as a tree of plain values, and their SQL.

A tree is hashable and its values can be replaced by parameters, so a query with it has a shape and is compiled once
(tasks.items.query_shape).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from django.contrib.postgres.expressions import ArraySubquery
from django.contrib.postgres.fields import ArrayField
from django.db.models import Exists, Func, OuterRef, Q, UUIDField, Value

from core.sql_templates import EqualsAny, Param, equals_outer_pk
from core.time_zones import NextDay, StartOfDay
from tasks.custom_fields.selectors import fields_of_project, value_rows_of
from tasks.models import Comment, Task, TaskAssignee
from tasks.models.search import is_match
from tasks.models.task import CLOSED_CATEGORIES

if TYPE_CHECKING:
    from tasks.filters.selectors import TaskFilters


@dataclass(frozen=True, slots=True)
class Leaf:
    """One condition. `value` is a constant, a tuple of alternatives, or a pair of bounds, of which one may be None."""

    kind: str
    value: Any


@dataclass(frozen=True, slots=True)
class Negation:
    part: Condition


@dataclass(frozen=True, slots=True)
class AllOf:
    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    parts: tuple[Condition, ...]


Condition = Leaf | Negation | AllOf | AnyOf


def to_q(condition: Condition, filters: TaskFilters, *, nested: bool = False) -> Q:
    """Return the condition for a queryset of tasks; `filters` has the reader's clock and calendar.

    A nested one is part of a negation or alternative, so it is evaluated for one task after the other.
    """
    match condition:
        case Leaf(kind, value) if kind in ROWS and (nested or kind not in KINDS):
            return Q(Exists(_of_task(ROWS[kind](value), nested or kind == "label")))
        case Leaf(kind, value):
            return KINDS[kind](value, filters)
        case Negation(part):
            return ~to_q(part, filters, nested=True)
        case AllOf(parts):
            return Q(*(to_q(part, filters, nested=nested) for part in parts))
        case AnyOf(parts) if not nested and is_selective(condition):
            return _among_all(parts, filters)
        case AnyOf(parts):
            return Q(*(to_q(part, filters, nested=True) for part in parts), _connector=Q.OR)


def _among_all(parts: Iterable[Condition], filters: TaskFilters) -> Q:
    """Match the tasks of several conditions of which each has an index."""
    first, *others = (Task.objects.filter(to_q(part, filters)).values("pk") for part in parts)
    # unnest(ARRAY(...)) evaluates the subquery first, as in TaskQuerySet.assigned_to.
    task_ids = ArraySubquery(first.union(*others))
    return Q(pk__in=Func(task_ids, template="SELECT unnest(%(expressions)s)", output_field=UUIDField()))


def parametrize(condition: Condition, values: dict[str, Any]) -> Condition:
    """Return the tree with parameters instead of values, which are added to `values`."""
    match condition:
        case Leaf(kind, value):
            if kind in CONSTANT_KINDS:
                return condition
            if kind in ARRAY_KINDS:
                return replace(condition, value=_add_parameter(list(value), values))
            items = tuple(item if item is None else _add_parameter(item, values) for item in value)
            return replace(condition, value=items)
        case Negation(part):
            return Negation(parametrize(part, values))
        case AllOf(parts):
            return AllOf(tuple(parametrize(part, values) for part in parts))
        case AnyOf(parts):
            return AnyOf(tuple(parametrize(part, values) for part in parts))


def _add_parameter(value: Any, values: dict[str, Any]) -> Param:
    name = f"condition{len(values)}"
    values[name] = value
    return Param(name)


def is_selective(condition: Condition) -> bool:
    """Return whether an index finds the few tasks that can match, whatever else must hold."""
    match condition:
        case Leaf(kind, value):
            return kind in SELECTIVE_KINDS or (kind == "updated" and value[0] is not None)
        case Negation():
            return False
        case AllOf(parts):
            return any(map(is_selective, parts))
        case AnyOf(parts):
            return all(map(is_selective, parts))


def people_alternative(condition: Condition | None) -> AnyOf | None:
    """Return the part that asks for assignees or creators. Each has an index in the order of creation."""
    for part in condition.parts if isinstance(condition, AllOf) else ():
        if isinstance(part, AnyOf) and all(
            isinstance(leaf, Leaf) and leaf.kind in {"assignee", "creator"} for leaf in part.parts
        ):
            return part
    return None


def without(condition: Condition, part: Condition) -> tuple[tuple[str, Condition], ...]:
    """Return the filter of the other parts, none if there are no others."""
    rest = tuple(other for other in condition.parts if other is not part) if isinstance(condition, AllOf) else ()
    return (("condition", AllOf(rest)),) if rest else ()


def has_range(condition: Condition | None, column: str) -> bool:
    """Return whether a range of an index of each project holds all matches.

    `column` is the order of the list, whose own index serves it anyway.
    """
    match condition:
        case Leaf(kind):
            return RANGE_KINDS.get(kind, column) != column
        case AllOf(parts):
            return any(has_range(part, column) for part in parts)
    return False


def _array(ids: Any) -> Any:
    return ids if isinstance(ids, Param) else Value(list(ids), output_field=ArrayField(UUIDField()))


def _between(name: str) -> Callable[[Any, TaskFilters], Q]:
    """Return the condition on a column: from the first bound, and before the second."""

    def condition(bounds: Any, _: TaskFilters) -> Q:
        first, end = bounds
        # Explicit, because a negation of `column < value` does not hold where the column is null.
        known = Q(**{f"{name}__isnull": False})
        at_least = Q() if first is None else Q(**{f"{name}__gte": first})
        return known & at_least & (Q() if end is None else Q(**{f"{name}__lt": end}))

    return condition


def _due(bounds: Any, filters: TaskFilters) -> Q:
    """Match tasks that are due from the first day to the last, both included."""
    first, last = bounds
    day, instant = Q(due_date__isnull=False), Q(due_at__isnull=False)
    if first is not None:
        day &= Q(due_date__gte=first)
        instant &= Q(due_at__gte=StartOfDay(first, filters.zone))
    if last is not None:
        day &= Q(due_date__lte=last)
        instant &= Q(due_at__lt=StartOfDay(NextDay(last), filters.zone))
    return day | instant


def _overdue(_: Any, filters: TaskFilters) -> Q:
    due_at = Q(due_at__isnull=False, due_at__lt=filters.now)
    return Q(closed_at=None) & (due_at | Q(due_date__isnull=False, due_date__lt=filters.today))


def _category(names: Any, _: TaskFilters) -> Q:
    # As in TaskQuerySet.in_categories: without a closed category, let PostgreSQL use the index of open tasks.
    is_open = Q() if set(names) & set(CLOSED_CATEGORIES) else Q(closed_at=None)
    return is_open & Q(category__in=names)


def _assignee(ids: Any, _: TaskFilters) -> Q:
    # An array, so that with another such condition one bitmap of the primary key is read.
    assigned = TaskAssignee.objects.filter(EqualsAny("user_id", _array(ids)))
    return Q(EqualsAny("pk", ArraySubquery(assigned.values("task"))))


def _parent(ids: Any, filters: TaskFilters) -> Q:
    return Q(EqualsAny("parent_id", _array(ids))) & _has_parent(None, filters)


def _has_parent(_: Any, filters: TaskFilters) -> Q:
    """Match tasks with a parent that the reader sees."""
    if filters.guest is None:
        return Q(parent__isnull=False)
    visible = Task.objects.visible_to_id(filters.guest, as_staff=False, guest=True)
    return Q(Exists(visible.filter(pk=OuterRef("parent"))))


def _has_subtask(_: Any, filters: TaskFilters) -> Q:
    subtasks = Task.objects.all()
    if filters.guest is not None:
        subtasks = Task.objects.visible_to_id(filters.guest, as_staff=False, guest=True)
    return Q(Exists(subtasks.filter(parent=OuterRef("pk"))))


def _of_task(rows: Any, nested: bool) -> Any:
    """Return the rows of the task of the outer query."""
    return rows.filter(equals_outer_pk("task_id")) if nested else rows.filter(task=OuterRef("pk"))


def _field_values(*lookups: str) -> Callable[[Any, TaskFilters], Q]:
    """Return the condition on values of custom fields: a key, and a value for each lookup that is not None."""

    def condition(value: Any, _: TaskFilters) -> Q:
        key, *bounds = value
        known = {lookup: bound for lookup, bound in zip(lookups, bounds, strict=True) if bound is not None}
        return Q(Exists(value_rows_of(key).filter(**known)))

    return condition


def _field_values_in(lookup: str) -> Callable[[Any, TaskFilters], Q]:
    return lambda value, _: Q(Exists(value_rows_of(value[0]).filter(**{lookup: list(value[1:])})))


def _field_user(value: Any, _: TaskFilters) -> Q:
    key, *ids = value
    # `__in` takes no expression where the field is a foreign key.
    users = Q(*(("user", user_id) for user_id in ids), _connector=Q.OR)
    return Q(Exists(value_rows_of(key).filter(users)))


LABELS = Task.labels.through.objects
KINDS: dict[str, Callable[[Any, TaskFilters], Q]] = {
    "category": _category,
    "status": lambda slugs, _: Q(state__slug__in=list(slugs)),
    "priority": lambda numbers, _: Q(priority__in=list(numbers)),
    "project": lambda ids, _: Q(EqualsAny("project_id", _array(ids))),
    "assignee": _assignee,
    "creator": lambda ids, _: Q(EqualsAny("creator_id", _array(ids))),
    "parent": _parent,
    "due": _due,
    "start": _between("start_date"),
    "created": _between("created_at"),
    "updated": _between("updated_at"),
    "closed": _between("closed_at"),
    "estimate": _between("estimate"),
    "words": lambda text, _: is_match(Comment.objects, text),
    "overdue": _overdue,
    "archived": lambda _value, _filters: Q(project__archived_at__isnull=False),
    "has_due": lambda _value, _filters: Q(due_date__isnull=False) | Q(due_at__isnull=False),
    "has_start": lambda _value, _filters: Q(start_date__isnull=False),
    "has_estimate": lambda _value, _filters: Q(estimate__isnull=False),
    "has_description": lambda _value, _filters: ~Q(description=""),
    "field_number": _field_values("number__gte", "number__lt"),
    "field_date": _field_values("date__gte", "date__lt"),
    "field_text": _field_values("text__icontains"),
    "field_option": _field_values_in("option__slug__in"),
    "field_user": _field_user,
    "field_checked": _field_values(),
    "field_missing": lambda value, _: Q(Exists(fields_of_project(value[0])), ~Exists(value_rows_of(value[0]))),
    "has_parent": _has_parent,
    "has_subtask": _has_subtask,
}
# Conditions that a row of another table belongs to the task.
ROWS: dict[str, Callable[[Any], Any]] = {
    "label": lambda names: LABELS.filter(label__name__in=list(names)),
    "assignee": lambda ids: TaskAssignee.objects.filter(EqualsAny("user_id", _array(ids))),
    "has_assignee": lambda _: TaskAssignee.objects.all(),
    "has_label": lambda _: LABELS.all(),
    "has_comment": lambda _: Comment.objects.all(),
}
# Their values decide the SQL: a text of words, names of categories, and conditions without a value.
CONSTANT_KINDS = {
    "category",
    "words",
    "overdue",
    "archived",
    *(kind for kind in (*KINDS, *ROWS) if kind.startswith("has_")),
}
# Bound as one array, so that the SQL does not depend on the number of ids.
ARRAY_KINDS = {"project", "assignee", "creator", "parent"}
# Columns with an index within each project.
RANGE_KINDS = {"estimate": "estimate", "start": "start_date", "closed": "closed_at", "created": "created_at"}
SELECTIVE_KINDS = {"assignee", "creator", "parent"}
