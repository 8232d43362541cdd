"""The API's questions about tasks, answered in lines: one statement, and no model instances."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from accounts.models import User
from core.api import pagination
from core.api.pagination import Cursor, Page, PageRequest
from core.errors import NotFound
from core.sql_templates import Param, Statement
from tasks.filters import selectors as filters_selectors
from tasks.filters.selectors import TaskFilters
from tasks.items import compiled_queries, query_shape, selectors
from tasks.items.selectors import parse_ref
from tasks.items.task_columns import TaskColumns
from tasks.models import Task

CURSOR_SCOPE = Task._meta.label


def get_task_columns(user: User, ref: str) -> TaskColumns:
    """One task in full, as GET answers it."""
    named = parse_ref(ref)
    by_key = isinstance(named, tuple)
    values = {"key": named[0], "number": named[1]} if isinstance(named, tuple) else {"id": named}
    found = _run(
        compiled_queries.task_by_ref(user.is_staff_or_admin, user.is_guest, by_key), {"reader": user.pk, **values}
    )
    if not found:
        raise NotFound("There is no such task.")
    return _hide_parents(user, found)[0]


def list_task_columns(
    user: User, filters: TaskFilters, window: PageRequest, *, include_description: bool = False
) -> Page[TaskColumns]:
    """A piece of a list, as GET answers it: one statement by cursor, two by page number."""
    if window.page:
        return _list_by_page_number(user, filters, window, include_description)
    mark = pagination.decode_cursor(window, CURSOR_SCOPE)
    found = _hide_parents(
        user, _run(*cursor_statement(user, filters, window, mark, include_description=include_description))
    )
    return pagination.build_page(
        found, window, mark, noun=CURSOR_SCOPE, sort_key=lambda row: (getattr(row, window.sort.column), row.id)
    )


def cursor_statement(
    user: User, filters: TaskFilters, window: PageRequest, mark: Cursor | None, *, include_description: bool = False
) -> tuple[Statement | None, dict[str, Any]]:
    """Return the statement behind a piece by cursor, and its values."""
    if filters.search:  # what words ask for depends on the words themselves
        return compiled_queries.compile_by_cursor(
            filters_selectors.filter_visible(user, filters), window, mark, include_description=include_description
        ), {}
    shape, values = query_shape.parametrize(user, filters)
    hollow = mark and Cursor(None if mark.value is None else Param("sort_key"), Param("after"), mark.backwards)
    values |= {"sort_key": mark.value, "after": mark.key} if mark else {}
    return compiled_queries.page_by_cursor(shape, _sql_relevant(window), hollow, include_description), values


def _list_by_page_number(
    user: User, filters: TaskFilters, window: PageRequest, include_description: bool
) -> Page[TaskColumns]:
    values: dict[str, Any] = {}
    if filters.search:
        page, count = compiled_queries.compile_by_page_number(
            filters_selectors.filter_visible(user, filters), window, include_description=include_description
        )
    else:
        shape, values = query_shape.parametrize(user, filters)
        page, count = compiled_queries.page_by_number(shape, _sql_relevant(window), include_description)
    total = count.run(values)[0][0] if count else 0
    return pagination.build_numbered_page(_hide_parents(user, _run(page, values)), window, total)


def _hide_parents(user: User, found: list[TaskColumns]) -> list[TaskColumns]:
    """Who sees a task and not what it is part of is not told of that."""
    parents = {row.parent_id for row in found if row.parent_id} if user.is_guest else set()
    if not parents:
        return found
    hidden = parents - selectors.visible_ids(user, parents)
    return [row._replace(parent_id=None) if row.parent_id in hidden else row for row in found]


def _run(statement: Statement | None, values: Mapping[str, Any]) -> list[TaskColumns]:
    return [TaskColumns(*row) for row in statement.run(values)] if statement else []


def _sql_relevant(window: PageRequest) -> PageRequest:
    """The window as far as the SQL depends on it."""
    return replace(window, cursor="", owner="", filters="")
