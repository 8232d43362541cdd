"""The SQL of the API's reads: written by Django once for each shape of the question, from the same querysets as all else.

Making it anew cost four times what PostgreSQL needs for the answer.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from core.api import pagination
from core.api.pagination import Cursor, PageRequest
from core.sql_templates import MAX_TEMPLATES, Param, Statement, Subquery
from tasks.items import index_queries
from tasks.items.query_shape import QueryShape
from tasks.items.task_columns import select_task_columns
from tasks.models import Task
from tasks.models.task import TaskQuerySet


@lru_cache(maxsize=8)
def task_by_ref(overseer: bool, guest: bool, by_key: bool) -> Statement | None:
    rows = Task.objects.visible_to_id(Param("reader"), overseer=overseer, guest=guest)
    rows = rows.filter(project__key=Param("key"), number=Param("number")) if by_key else rows.filter(pk=Param("id"))
    return select_task_columns(rows, include_description=True)


@lru_cache(maxsize=MAX_TEMPLATES)
def page_by_cursor(
    shape: QueryShape, window: PageRequest, mark: Cursor | None, include_description: bool
) -> Statement | None:
    """The tasks after the mark, one more than the window holds."""
    ids = index_queries.first_ids(shape, window, mark)
    return select_by_ids(ids, window, include_description=include_description, backwards=bool(mark and mark.backwards))


@lru_cache(maxsize=MAX_TEMPLATES)
def page_by_number(
    shape: QueryShape, window: PageRequest, include_description: bool
) -> tuple[Statement | None, Statement | None]:
    return compile_by_page_number(shape.rows(), window, include_description=include_description)


def compile_by_page_number(
    rows: TaskQuerySet, window: PageRequest, *, include_description: bool
) -> tuple[Statement | None, Statement | None]:
    """The tasks of a numbered page, and how many there are in all."""
    start = pagination.page_offset(window)
    ids = Statement.of(pagination.apply_ordering(rows, window).values("pk")[start : start + window.limit])
    return select_by_ids(ids, window, include_description=include_description), _count_statement(
        Statement.of(rows.values("pk"))
    )


def compile_by_cursor(
    rows: TaskQuerySet, window: PageRequest, mark: Cursor | None, *, include_description: bool
) -> Statement | None:
    backwards = bool(mark and mark.backwards)
    return select_by_ids(
        index_queries.ids_in_order(rows, window, mark),
        window,
        include_description=include_description,
        backwards=backwards,
    )


def select_by_ids(
    ids: Statement | None, window: PageRequest, *, include_description: bool, backwards: bool = False
) -> Statement | None:
    """These tasks with all that they show, in the window's order."""
    if ids is None:
        return None
    found: Any = Task.objects.filter(pk__in=Subquery(ids))
    wanted: Any = pagination.apply_ordering(found, window, backwards=backwards)
    return select_task_columns(wanted, include_description=include_description)


def _count_statement(found: Statement | None) -> Statement | None:
    return found and Statement(f"SELECT count(*) FROM ({found.sql}) found", found.parameters)  # noqa: S608
