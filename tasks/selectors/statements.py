"""The SQL of the API's reads: written by Django once for each shape of the question, from the same querysets as all else.

Making it anew cost four times what PostgreSQL needs for the answer.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from core.prepared import SHAPES, Bind, Inline, Statement
from gateway import pagination
from gateway.pagination import Mark, Window
from tasks.models import Task
from tasks.querysets import TaskQuerySet
from tasks.selectors import walks
from tasks.selectors.lines import lines
from tasks.selectors.shapes import Shape


@lru_cache(maxsize=8)
def one(overseer: bool, guest: bool, by_key: bool) -> Statement | None:
    rows = Task.objects.seen_by(Bind("reader"), overseer=overseer, guest=guest)
    rows = rows.filter(project__key=Bind("key"), number=Bind("number")) if by_key else rows.filter(pk=Bind("id"))
    return lines(rows, described=True)


@lru_cache(maxsize=SHAPES)
def piece(shape: Shape, window: Window, mark: Mark | None, described: bool) -> Statement | None:
    """The tasks after the mark, one more than the window holds."""
    ids = walks.first(shape, window, mark)
    return page(ids, window, described=described, backwards=bool(mark and mark.backwards))


@lru_cache(maxsize=SHAPES)
def numbered(shape: Shape, window: Window, described: bool) -> tuple[Statement | None, Statement | None]:
    return by_number(shape.rows(), window, described=described)


def by_number(rows: TaskQuerySet, window: Window, *, described: bool) -> tuple[Statement | None, Statement | None]:
    """The tasks of a numbered page, and how many there are in all."""
    start = pagination.first_row(window)
    ids = Statement.of(pagination.ordered(rows, window).values("pk")[start : start + window.limit])
    return page(ids, window, described=described), _count(Statement.of(rows.values("pk")))


def by_cursor(rows: TaskQuerySet, window: Window, mark: Mark | None, *, described: bool) -> Statement | None:
    backwards = bool(mark and mark.backwards)
    return page(walks.through(rows, window, mark), window, described=described, backwards=backwards)


def page(ids: Statement | None, window: Window, *, described: bool, backwards: bool = False) -> Statement | None:
    """These tasks with all that they show, in the window's order."""
    if ids is None:
        return None
    found: Any = Task.objects.filter(pk__in=Inline(ids))
    wanted: Any = pagination.ordered(found, window, backwards=backwards)
    return lines(wanted, described=described)


def _count(found: Statement | None) -> Statement | None:
    return found and Statement(f"SELECT count(*) FROM ({found.sql}) found", found.parameters)  # noqa: S608
