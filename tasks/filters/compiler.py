"""Meaning of a filter for its reader: syntax tree to task filters.

Terms that a parameter of the task list could say become that filter, so that they use the same indexes. The rest becomes
a tree of conditions (tasks.filters.conditions).
"""

from __future__ import annotations

import zoneinfo
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from accounts.models import User
from core.errors import Invalid
from tasks.filters import grammar
from tasks.filters.conditions import AllOf, AnyOf, Condition, Leaf, Negation
from tasks.filters.selectors import TaskFilters
from tasks.filters.syntax_tree import Node, Text, conjuncts
from tasks.filters.terms import Terms, load_references, valid_search
from tasks.filters.values import Calendar


def compile_filter(node: Node, user: User, filters: TaskFilters) -> TaskFilters:
    """Return the filters narrowed by a syntax tree. Raises Invalid with the position of each wrong term."""
    zone = zoneinfo.ZoneInfo(user.time_zone)
    calendar = Calendar(filters.now, filters.today, zone, user.week_start)
    terms = Terms(user, calendar, load_references(user, node))
    parts = [terms.condition(part) for part in conjuncts(node)]
    if terms.errors:
        raise Invalid(f"{grammar.FIELD}: {terms.errors[0].message}", fields=terms.errors)
    words = [part for part in conjuncts(node) if isinstance(part, Text)]
    if words and not filters.search:
        filters = replace(filters, search=valid_search(words))
        parts = [part for part in parts if not (isinstance(part, Leaf) and part.kind == "words")]
    rest: list[Condition] = [] if filters.condition is None else [filters.condition]
    for part in parts:
        changes = _as_filters(part)
        # Each filter takes one term; a second one narrows further.
        if changes and all(getattr(filters, name) in EMPTY for name in changes):
            filters = replace(filters, **changes)
        else:
            rest.append(part)
    return replace(filters, condition=AllOf(tuple(rest)) if rest else None)


EMPTY: tuple[Any, ...] = ("", [], None)
FROM_LEAF: Mapping[str, Callable[[Any], dict[str, Any]]] = {
    **{
        kind: lambda value, kind=kind: {kind: list(value)} if value else {}  # type: ignore[misc]  # the default binds the loop's value
        for kind in ("category", "status", "label", "priority")
    },
    "assignee": lambda ids: {"assignee": list(map(str, ids))},
    "creator": lambda ids: {"creator": list(map(str, ids))},
    "project": lambda ids: {"project": str(ids[0])} if len(ids) == 1 else {"projects": list(ids)},
    "parent": lambda ids: {"parent": str(ids[0])} if len(ids) == 1 else {},
    "overdue": lambda _: {"overdue": True},
    "due": lambda days: {"due_after": days[0], "due_before": days[1]},
    "updated": lambda bounds: {"updated_since": bounds[0]} if bounds[1] is None else {},
}
FROM_NEGATION: Mapping[str, dict[str, Any]] = {
    "has_assignee": {"assignee": ["none"]},
    "has_parent": {"parent": "none"},
    "overdue": {"overdue": False},
}


def _as_filters(part: Condition) -> dict[str, Any]:
    """Return the filters that say this condition; none if the parameters of the list cannot."""
    match part:
        case Leaf(kind, value) if kind in FROM_LEAF:
            return FROM_LEAF[kind](value)
        case Negation(Leaf(kind)) if kind in FROM_NEGATION:
            return FROM_NEGATION[kind]
        case AnyOf((Leaf("assignee", ids), Negation(Leaf("has_assignee")))):
            return {"assignee": [*map(str, ids), "none"]}
    return {}
