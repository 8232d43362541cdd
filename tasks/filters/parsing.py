"""Description of a filter text for its reader: canonical form, terms, parameters."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from accounts.models import User
from tasks.filters import grammar
from tasks.filters.query_params import filters_from_params
from tasks.filters.syntax_tree import Node, Not, Term, conjuncts, to_text
from tasks.filters.url_params import params_of_filters


def parse_for(user: User, text: str, *, now: datetime) -> dict[str, Any]:
    """Return the canonical text, the terms with their places, and equal parameters. Raises Invalid."""
    tree = grammar.parse(text)
    filters = filters_from_params({"filter": text}, user, now)
    return {
        "filter": to_text(tree),
        "terms": [_describe(node) for node in conjuncts(tree)],
        "params": params_of_filters(filters),
    }


def _describe(node: Node) -> dict[str, Any]:
    inner = node.node if isinstance(node, Not) else node
    term = inner if isinstance(inner, Term) else None
    return {
        "text": to_text(node),
        "start": node.start,
        "end": node.end,
        "name": term.name if term else "",
        "operator": term.operator if term else "",
        "values": [value.text for value in term.values] if term else [],
        "is_negated": isinstance(node, Not),
    }
