"""Task list of one project in the order of a custom field.

The tasks with a value come first, in the order of an index of the values, then those without one by their ids. Each is
a query of its own, because no index holds both; a page needs the second only where the values end.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from django.db.models import F, QuerySet
from django.db.models.functions import Left
from django.utils.translation import gettext

from accounts.models import User
from core.api import pagination
from core.api.pagination import Cursor, Page, PageRequest, Sort
from core.errors import Invalid
from tasks.custom_fields.selectors import get_field_of_key
from tasks.custom_fields.values import FIELD_PREFIX
from tasks.filters.selectors import TaskFilters, filter_visible, resolve_refs
from tasks.items import selectors
from tasks.items.task_columns import TaskColumns, select_task_columns
from tasks.models import CustomFieldValue, FieldKind, Task
from tasks.models.custom_field import ORDERED_TEXT_LENGTH
from tasks.models.task import TaskQuerySet

COLUMNS: dict[str, Any] = {
    FieldKind.TEXT: Left("text", ORDERED_TEXT_LENGTH),
    FieldKind.URL: Left("text", ORDERED_TEXT_LENGTH),
    FieldKind.NUMBER: F("number"),
    FieldKind.DATE: F("date"),
    FieldKind.CHECKBOX: F("checked"),
    # Options in their own order, people by name: sorted, since no index holds these beside the tasks.
    FieldKind.SELECT: F("option__position"),
    FieldKind.USER: F("user__name"),
}


def is_field_ordering(ordering: str) -> bool:
    """Return whether a list is ordered by a custom field."""
    return ordering.lstrip("-").startswith(FIELD_PREFIX)


def list_by_field(
    user: User, filters: TaskFilters, page_request: PageRequest, *, include: frozenset[str] = frozenset()
) -> Page[TaskColumns]:
    """Return a page of the visible tasks of one project, ordered by a custom field. Raises Invalid."""
    project_id = resolve_refs(user, filters).project
    if not project_id:
        raise Invalid.field(
            "ordering", gettext("An order by a custom field needs the filter `project`."), "needs_project"
        )
    key = page_request.ordering.lstrip("-").removeprefix(FIELD_PREFIX)
    tasks = filter_visible(user, filters)
    field = get_field_of_key(project_id, key) if tasks.exists() else None
    if field is None or field.kind not in COLUMNS:
        known = (
            gettext("A multi-select field has no order.")
            if field
            else gettext("There is no field %(key)s to order by.") % {"key": key}
        )
        raise Invalid.field("ordering", known, "invalid_choice")
    request = replace(page_request, sorts={FIELD_PREFIX + key: Sort("sort_value", key="task_id")})
    values = CustomFieldValue.objects.filter(field=field, task__in=tasks.order_by().values("pk"))
    values = values.annotate(sort_value=COLUMNS[field.kind])
    unset = tasks.exclude(pk__in=CustomFieldValue.objects.filter(field=field).values("task"))
    if request.page:
        return _numbered_page(user, values, unset, request, include)
    scope = f"{Task._meta.label}:{field.pk}"
    cursor = pagination.decode_cursor(request, scope)
    pairs = _pairs(values, unset, request, cursor)
    sort_values = dict(pairs)
    return pagination.build_page(
        _columns(user, [task_id for task_id, _ in pairs], include),
        request,
        cursor,
        scope=scope,
        sort_key=lambda task: (sort_values[task.id], task.id),
    )


def _pairs(
    values: QuerySet[Any], unset: TaskQuerySet, request: PageRequest, cursor: Cursor | None
) -> list[tuple[Any, Any]]:
    """Return ids and sort values of tasks after the cursor, up to `limit + 1`."""
    limit, backwards = request.limit + 1, bool(cursor and cursor.backwards)
    of_value = cursor if cursor and cursor.value is not None else None
    of_null = cursor if cursor and cursor.value is None else None
    # Nulls are last going on, first going back; a cursor beyond a phase skips it.
    phases = ["nulls", "values"] if backwards else ["values", "nulls"]
    if of_null and not backwards:
        phases.remove("values")
    if of_value and backwards:
        phases.remove("nulls")
    pairs: list[tuple[Any, Any]] = []
    for phase in phases:
        missing = limit - len(pairs)
        if missing and phase == "values":
            ordered = pagination.apply_ordering(values, request, backwards=backwards)
            rows = pagination.after_cursor(values, request, of_value) if of_value else ordered
            pairs += rows.values_list("task_id", "sort_value")[:missing]
        elif missing:
            descending = request.descending != backwards
            tasks = unset.order_by("-pk" if descending else "pk")
            if of_null:
                tasks = tasks.filter(**{"pk__lt" if descending else "pk__gt": of_null.key})
            pairs += [(task_id, None) for task_id in tasks.values_list("pk", flat=True)[:missing]]
    return pairs


def _numbered_page(
    user: User,
    values: QuerySet[CustomFieldValue],
    unset: TaskQuerySet,
    request: PageRequest,
    include: frozenset[str],
) -> Page[TaskColumns]:
    start, value_count = pagination.page_offset(request), values.count()
    ids = list(
        pagination.apply_ordering(values, request).values_list("task_id", flat=True)[start : start + request.limit]
    )
    rest = unset.order_by("-pk" if request.descending else "pk").values_list("pk", flat=True)
    first = max(start - value_count, 0)
    ids += rest[first : first + request.limit - len(ids)]
    rows = _columns(user, ids, include)
    return pagination.build_numbered_page(rows, request, value_count + unset.order_by().count())


def _columns(user: User, ids: list[Any], include: frozenset[str]) -> list[TaskColumns]:
    statement = select_task_columns(Task.objects.filter(pk__in=ids), include=include)
    by_id = {row[0]: TaskColumns(*row) for row in statement.run({})} if statement and ids else {}
    tasks = [by_id[task_id] for task_id in ids if task_id in by_id]
    return selectors.hide_parents(user, tasks) if user.is_guest else tasks
