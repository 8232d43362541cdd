"""The API's questions about tasks, answered in lines: one statement, and no model instances."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from accounts.models import User
from core.errors import NotFound
from core.prepared import Bind, Statement
from gateway import pagination
from gateway.pagination import Mark, Slice, Window
from tasks.models import Task
from tasks.selectors import shapes, statements
from tasks.selectors.lines import Line
from tasks.selectors.tasks import TaskFilters, filtered, parse_ref, visible_among

NOUN = Task._meta.label


def get_row(user: User, ref: str) -> Line:
    """One task in full, as GET answers it."""
    named = parse_ref(ref)
    by_key = isinstance(named, tuple)
    values = {"key": named[0], "number": named[1]} if isinstance(named, tuple) else {"id": named}
    found = _read(statements.one(user.is_overseer, user.is_guest, by_key), {"reader": user.pk, **values})
    if not found:
        raise NotFound("There is no such task.")
    return _discreet(user, found)[0]


def list_rows(user: User, filters: TaskFilters, window: Window, *, described: bool = False) -> Slice[Line]:
    """A piece of a list, as GET answers it: one statement by cursor, two by page number."""
    if window.page:
        return _by_number(user, filters, window, described)
    mark = pagination.read(window, NOUN)
    found = _discreet(user, _read(*asked(user, filters, window, mark, described=described)))
    return pagination.cut(found, window, mark, noun=NOUN, place=lambda row: (getattr(row, window.sort.column), row.id))


def asked(
    user: User, filters: TaskFilters, window: Window, mark: Mark | None, *, described: bool = False
) -> tuple[Statement | None, dict[str, Any]]:
    """Return the statement behind a piece by cursor, and its values."""
    if filters.search:  # what words ask for depends on the words themselves
        return statements.by_cursor(filtered(user, filters), window, mark, described=described), {}
    shape, values = shapes.asked(user, filters)
    hollow = mark and Mark(None if mark.value is None else Bind("place"), Bind("after"), mark.backwards)
    values |= {"place": mark.value, "after": mark.key} if mark else {}
    return statements.piece(shape, _plain(window), hollow, described), values


def _by_number(user: User, filters: TaskFilters, window: Window, described: bool) -> Slice[Line]:
    values: dict[str, Any] = {}
    if filters.search:
        page, count = statements.by_number(filtered(user, filters), window, described=described)
    else:
        shape, values = shapes.asked(user, filters)
        page, count = statements.numbered(shape, _plain(window), described)
    total = count.run(values)[0][0] if count else 0
    return pagination.numbered(_discreet(user, _read(page, values)), window, total)


def _discreet(user: User, found: list[Line]) -> list[Line]:
    """Who sees a task and not what it is part of is not told of that."""
    parents = {row.parent_id for row in found if row.parent_id} if user.is_guest else set()
    if not parents:
        return found
    hidden = parents - visible_among(user, parents)
    return [row._replace(parent_id=None) if row.parent_id in hidden else row for row in found]


def _read(statement: Statement | None, values: Mapping[str, Any]) -> list[Line]:
    return [Line(*row) for row in statement.run(values)] if statement else []


def _plain(window: Window) -> Window:
    """The window as far as the SQL depends on it."""
    return replace(window, cursor="", owner="", filters="")
