"""The task list of the API: one compiled statement for each page, which reads columns instead of model instances.

Django writes the SQL once for each shape of a query (core.sql_templates) from the querysets that the pages use too.
Writing it anew for each request cost four times what PostgreSQL needs to answer.

The SQL of the task list, from the outside in: `task_columns` selects the columns of one page's ids, `index_queries` finds
the ids by an index, `query_shape` replaces the values of the filters by parameters, `filters.selectors` has the filters,
and `models.task.TaskQuerySet` the conditions that they and the rule of visibility consist of.
"""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace
from functools import lru_cache
from typing import Any

from accounts.models import User
from core.api import pagination
from core.api.pagination import Cursor, Page, PageRequest
from core.db import statement_timeout
from core.sql_templates import MAX_TEMPLATES, Param, Statement, Subquery
from tasks.filters.selectors import TaskFilters, filter_visible
from tasks.items import index_queries, search_queries, selectors
from tasks.items.query_shape import QueryShape, parametrize
from tasks.items.task_columns import TaskColumns, select_task_columns
from tasks.models import Task
from tasks.models.task import TaskQuerySet

CURSOR_SCOPE = Task._meta.label


# A statement of a list without conditions follows an index; those of a filter may have to read many tasks for a page.
FILTER_TIMEOUT = 5
TOO_SLOW = (
    f"The filter took longer than {FILTER_TIMEOUT} seconds and was stopped. Narrow it, for example to a project, an assignee "
    "or tasks updated lately."
)


def list_task_columns(
    user: User, filters: TaskFilters, page_request: PageRequest, *, include: frozenset[str] = frozenset()
) -> Page[TaskColumns]:
    """Return a page of the visible tasks that pass the filters: one statement by cursor, two by page number.

    Raises QueryTimeout for conditions that too few tasks meet.
    """
    with statement_timeout(FILTER_TIMEOUT, TOO_SLOW) if filters.condition else nullcontext():
        return _list_task_columns(user, filters, page_request, include)


def _list_task_columns(
    user: User, filters: TaskFilters, page_request: PageRequest, include: frozenset[str]
) -> Page[TaskColumns]:
    if page_request.page:
        statement, count_statement, values = numbered_statements(user, filters, page_request, include)
        # None instead of a statement: Django knows that no task can match.
        count = count_statement.run(values)[0][0] if count_statement else 0
        return pagination.build_numbered_page(_run(user, statement, values), page_request, count)
    cursor = pagination.decode_cursor(page_request, CURSOR_SCOPE)
    statement, values = cursor_statement(user, filters, page_request, cursor, include=include)
    # The cursor holds the sort value of the last row, so that the next page continues there.
    column = page_request.sort.column
    return pagination.build_page(
        _run(user, statement, values),
        page_request,
        cursor,
        scope=CURSOR_SCOPE,
        sort_key=lambda task: (getattr(task, column), task.id),
    )


def _run(user: User, statement: Statement | None, values: dict[str, Any]) -> list[TaskColumns]:
    tasks = [TaskColumns(*row) for row in statement.run(values)] if statement else []
    return selectors.hide_parents(user, tasks) if user.is_guest else tasks


def cursor_statement(
    user: User,
    filters: TaskFilters,
    page_request: PageRequest,
    cursor: Cursor | None,
    *,
    include: frozenset[str] = frozenset(),
) -> tuple[Statement | None, dict[str, Any]]:
    """Return the statement of a page by cursor, and its values."""
    # The SQL of a search depends on the words, so it is not kept.
    looked_up = search_queries.look_up(filters) if filters.search else None
    if filters.search and not looked_up:
        ids, values = search_queries.first_ids(user, filters, page_request, cursor)
        return _select_by_ids(ids, page_request, include, backwards=_is_backwards(cursor)), values
    if looked_up:
        ids = index_queries.ids_in_order(filter_visible(user, looked_up), page_request, cursor)
        statement = _select_by_ids(ids, page_request, include, backwards=_is_backwards(cursor))
        return statement, {"zone": filters.zone}
    shape, values = parametrize(user, filters)
    if cursor is None:
        return _compiled_page_by_cursor(shape, _sql_relevant(page_request), None, include), values
    # A null sort value makes other SQL (IS NULL), so it is a part of the shape and not a parameter.
    template = Cursor(None if cursor.value is None else Param("sort_key"), Param("after"), cursor.backwards)
    values |= {"sort_key": cursor.value, "after": cursor.key}
    return _compiled_page_by_cursor(shape, _sql_relevant(page_request), template, include), values


def numbered_statements(
    user: User, filters: TaskFilters, page_request: PageRequest, include: frozenset[str]
) -> tuple[Statement | None, Statement | None, dict[str, Any]]:
    """Return the statements of a numbered page and of the count, and their values."""
    if filters.search:
        visible = filter_visible(user, filters)
        return *_page_by_number(visible, page_request, include), {"zone": filters.zone}
    shape, values = parametrize(user, filters)
    return *_compiled_page_by_number(shape, _sql_relevant(page_request), include), values


def _sql_relevant(page_request: PageRequest) -> PageRequest:
    """Return the page request as far as the SQL depends on it: the key under which a statement is kept."""
    return replace(page_request, cursor="", owner="", filters="")


# A limited number, since there is a shape for each number of ids in a filter.
@lru_cache(maxsize=MAX_TEMPLATES)
def _compiled_page_by_cursor(
    shape: QueryShape, page_request: PageRequest, cursor: Cursor | None, include: frozenset[str]
) -> Statement | None:
    """Return the statement of the tasks after the cursor, one more than the page holds."""
    ids = index_queries.first_ids(shape, page_request, cursor)
    return _select_by_ids(ids, page_request, include, backwards=_is_backwards(cursor))


@lru_cache(maxsize=MAX_TEMPLATES)
def _compiled_page_by_number(
    shape: QueryShape, page_request: PageRequest, include: frozenset[str]
) -> tuple[Statement | None, Statement | None]:
    return _page_by_number(shape.rows(), page_request, include)


def _page_by_number(
    tasks: TaskQuerySet, page_request: PageRequest, include: frozenset[str]
) -> tuple[Statement | None, Statement | None]:
    start = pagination.page_offset(page_request)
    sortable = index_queries.with_sort_column(tasks, page_request)
    ordered = pagination.apply_ordering(sortable, page_request).values("pk")
    # The ids first: joins and arrays are evaluated for the rows of one page only.
    ids = Statement.of(ordered[start : start + page_request.limit])
    every = Statement.of(tasks.values("pk"))
    count = every and Statement(f"SELECT count(*) FROM ({every.sql}) tasks", every.parameters)  # noqa: S608 -- Django's own SQL
    return _select_by_ids(ids, page_request, include), count


def _select_by_ids(
    ids: Statement | None, page_request: PageRequest, include: frozenset[str], *, backwards: bool = False
) -> Statement | None:
    """Return the statement of these tasks' columns in the order of the page."""
    if ids is None:
        return None
    # IN keeps no order, so the page is put in order again.
    tasks: Any = index_queries.with_sort_column(Task.objects.filter(pk__in=Subquery(ids)), page_request)
    ordered: Any = pagination.apply_ordering(tasks, page_request, backwards=backwards)
    return select_task_columns(ordered, include=include)


def _is_backwards(cursor: Cursor | None) -> bool:
    return cursor is not None and cursor.backwards
