"""Check the query plans of the task lists on the data of `benchmarks.data`.

`python -m benchmarks.plans` prints a table and exits with 1 if a plan reads more pages than its bound, or a whole table.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote_plus, urlencode

import django

# The most 8 kB pages (buffers) that PostgreSQL may read for a list of 20 rows: 500 for the rows with their users and
# labels, and up to 35 for each index range: 4 of the index, one for each of its 21 rows that VACUUM has not seen yet, and
# some for entries of rows that are gone, which an index keeps until it is cleaned (10 were seen after other tests).
# A user's own tasks are read from the newest on, past those that the user may no longer see.
# 200 projects have 800 states, half of them open; staff see half as much again. The order by due date has two index
# ranges for each state: days and instants.
QUERIES = {
    "": 7_500,
    "ordering=-updated_at": 7_500,
    "ordering=due_date": 60_000,
    "project=B0060": 2_500,
    "project=B0060&status=todo": 2_500,
    "status=todo": 15_000,
    "status=done": 15_000,
    "status=unheard-of": 1_000,
    "category=todo": 15_000,
    "category=todo,in_progress&ordering=-updated_at": 22_000,
    "assignee=me": 10_000,
    "creator=me": 10_000,
    # Twice what was measured, on a million tasks after VACUUM, for the reader for whom it is most. Common words: the list is
    # walked until a page is full. All tasks have the first, one in ten the second, one in a hundred both: 10,800 pages for
    # the member of one project of 3,000 tasks, of which two in three are read.
    # Before VACUUM each row of the project's index is looked up: ten times as much.
    "search=th": 25_000,
    "search=deploy": 25_000,
    "search=deploy+gateway": 22_000,
    # Rare ones, whose ids are looked up before, and none.
    "search=number+1234": 1_500,
    "search=zzqqxx": 100,
}
# The same readers may read for a filter. Conditions that no index serves are compared with rows in the order of the list:
# of each of a reader's projects or states, or for readers of many projects of all tasks.
FILTERS = (
    "state:open", "state:open assignee:@me", "assignee:@me due<=@today+7", "state:open -label:bug",
    "state:open label:bug,customer", "priority>=high state:open", "priority:urgent", "is:overdue",
    "is:overdue assignee:@me", "is:overdue priority>=high", "due:@today..@today+7 state:open", "due:@today",
    "has:due -has:assignee state:open", "-has:assignee", "assignee:none state:open priority>=high",
    "(assignee:@me OR creator:@me) state:open", "(assignee:@bench3 OR label:money) state:open", "creator:@bench5",
    "creator:@me -assignee:@me", "created>=@today-7", "created:2025-01-01..2025-01-31", "updated>=@today-1",
    "closed>=@month-start", "closed:2025-03-01..2025-03-07", "estimate>=240", "estimate>99999",
    "start:2025-06-01..2025-06-30", "project:B0060,B0075,B0090 state:open",
    "project:B0060 (label:bug OR label:safety)", "-project:B0060 state:open", "status:in_progress -assignee:@me",
    '"Deploy the gateway"', "deploy gateway state:open", "deploy -gateway", "(deploy OR translate) priority:urgent",
    "parent:none state:open", "is:archived", "-state:done -state:cancelled -label:later -has:due",
    "label:bug label:customer", "state:open (due<=@today OR priority:urgent) -label:later",
)  # fmt: skip
# Measured: half of these lists read less than 1,000 pages, nine of ten less than 11,000. The most, 107,000, is read for two
# labels of which one task in six hundred has both; 91,000 for the tasks of a user who has 14,000.
MAX_FILTER_BUFFERS = 140_000
USER_HANDLES = ("bench2", "bench3", "bench4", "bench1")
MAX_SCANNED_ROWS = 10_000
# Two labels are compared by a hash table of one of them: its 2,000 pages are read faster than as many rows one by one.
MAY_BE_SCANNED = {"tasks_task_labels"}


@dataclass(frozen=True, slots=True)
class Plan:
    """Figures of a query plan; `scanned` are large tables that were read in full."""

    buffers: int
    milliseconds: float
    scanned: list[str]
    text: str


def explain(user: Any, query_string: str, page: int) -> Plan:
    """Run the API's query for one page of a list and return its plan."""
    from django.db import connection

    from core.sql_templates import Param

    statement, values = build_query(user, query_string, page)
    parameters = [values[part.name] if isinstance(part, Param) else part for part in statement.parameters]
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {statement.sql}", parameters)
        output = cursor.fetchone()[0]
    explained = (json.loads(output) if isinstance(output, str) else output)[0]
    top = explained["Plan"]
    return Plan(
        buffers=top["Shared Hit Blocks"] + top["Shared Read Blocks"],
        milliseconds=explained["Execution Time"],
        scanned=[node["Relation Name"] for node in _plan_nodes(top) if _is_full_scan(node)],
        text=json.dumps(top, indent=1),
    )


def build_query(user: Any, query_string: str, page: int) -> Any:
    """Return the API's statement for one page of a list, and its values."""
    from django.http import QueryDict

    from core.api.pagination import PageRequest
    from core.api.query_params import parse_query
    from tasks.filters import selectors as filters_selectors
    from tasks.filters.query_params import TaskQuery, filters_from_params
    from tasks.items import api_queries

    params = parse_query(TaskQuery, QueryDict(query_string))
    request = PageRequest.of(params, sorts=filters_selectors.TASK_SORTS, default="-created_at", owner="")
    filters = filters_from_params(params, user)
    tasks = filters_selectors.filter_visible(user, filters).with_due_instant(filters.zone)
    return api_queries.cursor_statement(user, filters, request, _cursor_before(tasks, request.sort.column, page))


def _cursor_before(tasks: Any, column: str, page: int) -> Any:
    """Return the cursor before a page, or before the last page if there are fewer; None for page 1."""
    from core.api.pagination import Cursor

    if page == 1:
        return None
    last = min((page - 1) * 20, tasks.count()) - 1
    if last < 0:
        return None
    value, key = tasks.order_by(f"-{column}", "-pk").values_list(column, "pk")[last]
    return Cursor(value, key, backwards=False)


def _plan_nodes(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for child in node.get("Plans", []):
        yield from _plan_nodes(child)


def _is_full_scan(node: dict[str, Any]) -> bool:
    is_large = node["Node Type"] == "Seq Scan" and node["Actual Rows"] > MAX_SCANNED_ROWS
    return is_large and node["Relation Name"] not in MAY_BE_SCANNED


def main() -> int:
    django.setup()
    from accounts.models import User

    # A filter's first page only: deeper ones walk on from a cursor, as the lists above do.
    checks: list[tuple[str, int, tuple[int, ...]]] = [
        (query_string, max_buffers, (1, 1000)) for query_string, max_buffers in QUERIES.items()
    ]
    checks += [(urlencode({"filter": text}), MAX_FILTER_BUFFERS, (1,)) for text in FILTERS]
    is_good = True
    print("| user | query | page | 8 kB pages | ms | |\n|---|---|---|---|---|---|")
    for user in User.objects.filter(handle__in=USER_HANDLES).order_by("handle"):
        for query_string, max_buffers, pages in checks:
            for page in pages:
                plan = explain(user, query_string, page)
                figures = f"{page} | {plan.buffers:,} | {plan.milliseconds:.1f}"
                remark = ""
                if plan.buffers > max_buffers or plan.scanned:
                    remark, is_good = f"**more than {max_buffers:,} pages, or full scans: {plan.scanned}**", False
                print(f"| {user.handle} | {unquote_plus(query_string) or 'newest'} | {figures} | {remark} |")
    return 0 if is_good else 1


if __name__ == "__main__":
    sys.exit(main())
