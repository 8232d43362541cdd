"""Conversion between filters and the equal parameters of the task list."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

from tasks.filters.selectors import TaskFilters
from tasks.filters.syntax_tree import RANGE, Node, Not, Term, Text, Value, conjunction
from tasks.filters.terms import OPEN_CATEGORIES
from tasks.models.task import CLOSED_CATEGORIES, PRIORITY_NAMES


def tree_of_params(params: Mapping[str, Any]) -> Node:
    """Return the filter that says what validated parameters do."""
    return conjunction(tuple(_terms(params)))


def _terms(params: Mapping[str, Any]) -> Iterator[Node]:
    for word in params.get("search", "").split():
        # Punctuation alone is no word: a search for something else passes over it.
        if any(char.isalnum() or not char.isascii() for char in word):
            yield Text(word)
    if project := params.get("project"):
        yield _term("project", project)
    if categories := params.get("category"):
        names = {OPEN_CATEGORIES: ["open"], tuple(CLOSED_CATEGORIES): ["closed"]}
        yield _term("state", *names.get(tuple(categories), categories))
    for name in ("status", "priority", "label", "assignee", "creator", "parent"):
        if values := params.get(name):
            yield _term(name, *("@me" if value == "me" else value for value in values))
    if (overdue := params.get("overdue")) is not None:
        yield _term("is", "overdue") if overdue else Not(_term("is", "overdue"))
    yield from _due_terms(params.get("due_after"), params.get("due_before"))
    if instant := params.get("updated_since"):
        yield Term("updated", ">=", (Value(instant.isoformat()),))


def _due_terms(first: date | None, last: date | None) -> Iterator[Term]:
    if first and last and first <= last:
        yield Term("due", RANGE, (Value(first.isoformat()), Value(last.isoformat())))
        return
    for sign, day in ((">=", first), ("<=", last)):
        if day:
            yield Term("due", sign, (Value(day.isoformat()),))


def _term(name: str, *texts: str) -> Term:
    return Term(name, ":", tuple(map(Value, texts)))


def params_of_filters(filters: TaskFilters) -> dict[str, Any] | None:
    """Return the parameters that say these filters, lists for repeated ones; None where they cannot."""
    if filters.condition is not None or filters.projects:
        return None
    params: dict[str, Any] = {
        "search": filters.search,
        "project": str(filters.project),
        "status": ",".join(filters.status),
        "category": ",".join(filters.category),
        "priority": ",".join(PRIORITY_NAMES[number] for number in filters.priority),
        "assignee": ",".join(filters.assignee),
        "creator": ",".join(filters.creator),
        "label": list(filters.label),
        "parent": filters.parent,
        "overdue": "" if filters.overdue is None else str(filters.overdue).lower(),
        "due_after": filters.due_after and filters.due_after.isoformat(),
        "due_before": filters.due_before and filters.due_before.isoformat(),
        "updated_since": filters.updated_since and filters.updated_since.isoformat(),
    }
    return {name: value for name, value in params.items() if value}
