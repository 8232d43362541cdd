"""The SQL of the API's reads: written by Django once for each shape of the question, from the same querysets as all else.

Making it anew cost four times what PostgreSQL needs for the answer. A shape is who asks (overseer or not), which
filters are given, the order, and whether the piece begins after a mark.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from django.db.models.expressions import RawSQL

from core.prepared import SHAPES, Bind, Inline, Statement
from gateway import pagination
from gateway.pagination import Mark, Window
from tasks.models import ProjectMember, Task
from tasks.querysets import TaskQuerySet
from tasks.selectors.lines import lines
from tasks.selectors.tasks import TaskFilters, narrowed

# These leave few tasks of a project, or have an index of their own: they are asked over all projects at once.
SELECTIVE = frozenset({"project", "assignee", "creator", "label", "parent", "updated_since"})


@dataclass(frozen=True, slots=True)
class Shape:
    """A question without its values: where one stands there is a hole."""

    overseer: bool
    filters: tuple[tuple[str, Any], ...]

    def narrow(self, rows: TaskQuerySet) -> TaskQuerySet:
        given: Any = {name: list(value) if isinstance(value, tuple) else value for name, value in self.filters}
        clock: Any = {"now": Bind("now"), "today": Bind("today")}
        return narrowed(rows, TaskFilters(**clock, **given))

    def rows(self) -> TaskQuerySet:
        return self.narrow(Task.objects.seen_by(Bind("reader"), overseer=self.overseer))

    @property
    def is_selective(self) -> bool:
        return self.overseer or any(name in SELECTIVE for name, _ in self.filters)


@lru_cache(maxsize=4)
def one(overseer: bool, by_key: bool) -> Statement | None:
    rows = Task.objects.seen_by(Bind("reader"), overseer=overseer)
    rows = rows.filter(project__key=Bind("key"), number=Bind("number")) if by_key else rows.filter(pk=Bind("id"))
    return lines(rows, described=True)


@lru_cache(maxsize=SHAPES)
def piece(shape: Shape, window: Window, mark: Mark | None, described: bool) -> Statement | None:
    """The tasks after the mark, one more than the window holds."""
    ids = _few(shape.rows(), window, mark) if shape.is_selective else _of_each_project(shape, window, mark)
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
    return page(_few(rows, window, mark), window, described=described, backwards=backwards)


def page(ids: Statement | None, window: Window, *, described: bool, backwards: bool = False) -> Statement | None:
    """These tasks with all that they show, in the window's order."""
    if ids is None:
        return None
    found: Any = Task.objects.filter(pk__in=Inline(ids))
    wanted: Any = pagination.ordered(found, window, backwards=backwards)
    return lines(wanted, described=described)


def _few(rows: TaskQuerySet, window: Window, mark: Mark | None) -> Statement | None:
    return Statement.of(pagination.after(rows, window, mark).values("pk")[: window.limit + 1])


def _of_each_project(shape: Shape, window: Window, mark: Mark | None) -> Statement | None:
    """The first tasks of each of the reader's projects, then the first of these.

    PostgreSQL would either sort all that a reader sees, or walk through what everybody has written since; so the cost
    follows the number of projects, and neither that of tasks nor the depth of the page.
    """
    mine = Statement.of(ProjectMember.objects.filter(user=Bind("reader")).values("project_id"))
    here: Any = Task.objects.filter(project=RawSQL('"mine"."project_id"', ()))
    wanted = pagination.branches(shape.narrow(here), window, mark)
    place = window.sort.column
    parts = [Statement.of(rows.values_list("pk", place)[: window.limit + 1]) for rows in wanted]
    of_each = [part for part in parts if part is not None]
    if mine is None or not of_each:
        return None
    union = " UNION ALL ".join(f"({part.sql})" for part in of_each)
    sql = (
        f'SELECT "found"."id" FROM ({mine.sql}) "mine" CROSS JOIN LATERAL ({union}) "found" ("id", "place") '  # noqa: S608 -- Django's own SQL
        f"ORDER BY {_order(window, backwards=bool(mark and mark.backwards))} LIMIT {window.limit + 1}"
    )
    return Statement(sql, mine.parameters + tuple(value for part in of_each for value in part.parameters))


def _order(window: Window, *, backwards: bool) -> str:
    direction = "DESC" if window.descending != backwards else "ASC"
    nulls = "NULLS FIRST" if backwards else "NULLS LAST"
    return f'"found"."place" {direction} {nulls}, "found"."id" {direction}'


def _count(found: Statement | None) -> Statement | None:
    return found and Statement(f"SELECT count(*) FROM ({found.sql}) found", found.parameters)  # noqa: S608
