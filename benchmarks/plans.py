"""`python -m benchmarks.plans`: what the hot lists cost PostgreSQL on the data of `benchmarks.data`, page 1 and page 1,000."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import django

# The most 8 kB pages that PostgreSQL may look at for an answer of 20 rows: 500 for the rows with their people and labels,
# and up to 25 for each part that is walked: 4 of an index, and one for each of its 21 rows that VACUUM has not seen yet.
# A person's own tasks are read from the newest on, past those that lie where they may not look any more.
# 200 projects have 800 states, half of them open; staff see half as much again.
QUERIES = {
    "": 6_000,
    "ordering=-updated_at": 6_000,
    "ordering=due_date": 31_000,
    "project=B0060": 2_500,
    "project=B0060&status=todo": 2_500,
    "status=todo": 12_000,
    "status=done": 12_000,
    "status=unheard-of": 1_000,
    "category=todo": 12_000,
    "category=todo,in_progress&ordering=-updated_at": 16_000,
    "assignee=me": 10_000,
    "creator=me": 10_000,
    "search=deploy": 40_000,
}
USER_HANDLES = ("bench2", "bench3", "bench4", "bench1")
MAX_BUFFERS = 10_000


@dataclass(frozen=True, slots=True)
class Plan:
    buffers: int
    milliseconds: float
    scanned: list[str]
    text: str


def explain(user: Any, question: str, page: int) -> Plan:
    """Ask one page of a list, as the API would, and return what it took; `scanned` are large tables read in full."""
    from django.db import connection

    statement, values = _build_query(user, question, page)
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {statement.sql}", statement.bind(values))
        found = cursor.fetchone()[0]
    whole = (json.loads(found) if isinstance(found, str) else found)[0]
    top = whole["Plan"]
    scanned = [node["Relation Name"] for node in _plan_nodes(top) if _has_full_scan(node)]
    return Plan(
        top["Shared Hit Blocks"] + top["Shared Read Blocks"],
        whole["Execution Time"],
        scanned,
        json.dumps(top, indent=1),
    )


def _build_query(user: Any, question: str, page: int) -> Any:
    from django.http import QueryDict

    from core.api.pagination import PageRequest
    from core.api.query_params import parse_query
    from tasks.filters import selectors as filters_selectors
    from tasks.filters.query_params import TaskQuery, filters_from_params
    from tasks.items import api_queries

    wanted = parse_query(TaskQuery, QueryDict(question))
    window = PageRequest.of(wanted, sorts=filters_selectors.TASK_SORTS, default="-created_at", owner="")
    filters = filters_from_params(wanted, user)
    return api_queries.cursor_statement(
        user, filters, window, _cursor_before(filters_selectors.filter_visible(user, filters), window.sort.column, page)
    )


def _cursor_before(found: Any, column: str, page: int) -> Any:
    """Return the place where a page begins; the last page where there are fewer."""
    from core.api.pagination import Cursor

    last = min((page - 1) * 20, found.count()) - 1
    if page == 1 or last < 0:
        return None
    value, key = found.order_by(f"-{column}", "-pk").values_list(column, "pk")[last]
    return Cursor(value, key, backwards=False)


def _plan_nodes(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for below in node.get("Plans", []):
        yield from _plan_nodes(below)


def _has_full_scan(node: dict[str, Any]) -> bool:
    return node["Node Type"] == "Seq Scan" and node["Actual Rows"] > MAX_BUFFERS


def main() -> int:
    django.setup()
    from accounts.models import User

    held = True
    print("| reader | question | page | 8 kB pages | ms | |\n|---|---|---|---|---|---|")
    for user in User.objects.filter(handle__in=USER_HANDLES).order_by("handle"):
        for question, most in QUERIES.items():
            for page in (1, 1000):
                plan = explain(user, question, page)
                good = plan.buffers <= most and not plan.scanned
                held = held and good
                said = "" if good else f"**more than {most:,}, or read in full: {plan.scanned}**"
                print(
                    f"| {user.handle} | {question or 'newest'} | {page} | {plan.buffers:,} | {plan.milliseconds:.1f} | {said} |"
                )
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main())
