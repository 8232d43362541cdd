"""SQL that finds the first tasks of a list by an index alone.

PostgreSQL would either sort all tasks that a reader sees, or walk through what all users have written since. So the index
with the rows in list order is walked, and where none holds them for the whole list, by parts: the first rows of each
project or state that the reader sees, then the first of these. The cost follows the number of parts, neither that of
tasks nor the depth of the page.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from django.db.models import QuerySet
from django.db.models.expressions import RawSQL

from core.api import pagination
from core.api.pagination import Cursor, PageRequest, Sort
from core.sql_templates import Param, Statement, Subquery
from tasks.items.query_shape import QueryShape
from tasks.models import Category, Project, State, Task, TaskAssignee
from tasks.models.task import TaskQuerySet

# These leave few tasks or have an index of their own: they are evaluated over all projects at once.
SELECTIVE_FILTERS = frozenset({"assignee", "creator", "label", "parent", "updated_since"})
STATE_FILTERS = frozenset({"project", "status", "category"})
OPEN_CATEGORIES = (Category.TODO, Category.IN_PROGRESS)


def first_ids(shape: QueryShape, page_request: PageRequest, cursor: Cursor | None) -> Statement | None:
    """Return the statement of the ids after the cursor, one more than the page holds."""
    if shape.names & SELECTIVE_FILTERS:
        assignees: Any = shape.value("assignee")
        single = assignees[0] if assignees and len(assignees) == 1 and assignees[0] != "none" else None
        if single and page_request.sort.column == "created_at":
            return _lateral_by_assignment(single, shape, page_request, cursor)
        return ids_in_order(shape.rows(), page_request, cursor)
    # Only an index on the state serves these filters, and the order by due date.
    is_overdue = shape.value("overdue") is True
    if shape.names & {"status", "category"} or is_overdue or page_request.sort.column == "due_date":
        projects = Project.objects.visible_to_id(Param("reader"), overseer=shape.overseer)
        states = State.objects.filter(project__in=projects)
        if is_overdue:
            states = states.filter(category__in=OPEN_CATEGORIES)
        lookups = {"project": "project", "status": "slug__in", "category": "category__in"}
        states = states.filter(**{lookups[name]: value for name, value in shape.filters if name in lookups})
        return _lateral_with_shared("state", states, shape, page_request, cursor)
    if shape.overseer or "project" in shape.names:
        return ids_in_order(shape.rows(), page_request, cursor)
    projects = Project.objects.visible_to_id(Param("reader"), overseer=False)
    return _lateral_with_shared("project", projects, shape, page_request, cursor)


def ids_in_order(tasks: TaskQuerySet, page_request: PageRequest, cursor: Cursor | None) -> Statement | None:
    """Return the statement of the first of these tasks after the cursor, as one query."""
    return Statement.of(pagination.after_cursor(tasks, page_request, cursor).values("pk")[: page_request.limit + 1])


def _lateral_with_shared(
    part: str, parts: QuerySet[Any], shape: QueryShape, page_request: PageRequest, cursor: Cursor | None
) -> Statement | None:
    """Find the first tasks of each part, and of a guest's shared tasks; then the first of all."""
    column, limit = page_request.sort.column, page_request.limit + 1
    part_ids = Statement.of(parts.values("pk"))
    # Refers to the row of the outer query: LATERAL allows it, and Django has no expression for it.
    tasks: Any = Task.objects.filter(**{part: RawSQL('"part"."id"', ())})
    # The parts are the states that pass these filters already.
    narrowed = shape.narrow(tasks, but=STATE_FILTERS if part == "state" else ())
    # Nulls that follow the values are a query of their own: an index cannot start at “this value or null”.
    queries = pagination.split_nulls(narrowed, page_request, cursor)
    compiled = [Statement.of(query.values_list("pk", column)[:limit]) for query in queries]
    of_part = [statement for statement in compiled if statement is not None]
    by_part = None
    if part_ids is not None and of_part:
        union = " UNION ALL ".join(f"({statement.sql})" for statement in of_part)
        sql = (
            f'SELECT "first"."id" FROM ({part_ids.sql}) "part" ("id") '  # noqa: S608 -- Django's own SQL
            f'CROSS JOIN LATERAL ({union}) "first" ("id", "value") '
            f"ORDER BY {_order_by(page_request, cursor)} LIMIT {limit}"
        )
        values = [value for statement in of_part for value in statement.parameters]
        by_part = Statement(sql, (*part_ids.parameters, *values))
    # Shared tasks lie in projects that the reader does not see, so no part of the above holds them.
    if not shape.guest:
        return by_part
    shared = ids_in_order(shape.narrow(Task.objects.shared_with(Param("reader"))), page_request, cursor)
    if by_part is None or shared is None:
        return by_part or shared
    sql = f'SELECT "visible"."id" FROM (({by_part.sql}) UNION ALL ({shared.sql})) "visible" ("id")'  # noqa: S608 -- Django's own SQL
    both = Statement(sql, by_part.parameters + shared.parameters)
    return ids_in_order(Task.objects.filter(pk__in=Subquery(both)), page_request, cursor)


def _lateral_by_assignment(
    user: Any, shape: QueryShape, page_request: PageRequest, cursor: Cursor | None
) -> Statement | None:
    """Find one user's tasks by their assignments, as far as they are visible and match.

    Each task is looked up by itself: with a plain join PostgreSQL would read all the user's tasks as soon as it doubts
    how many match.
    """
    newest = replace(page_request, sorts={"created_at": Sort("task_created_at", key="task_id")})
    assignments: Any = pagination.after_cursor(TaskAssignee.objects.filter(user=user), newest, cursor)
    assigned = Statement.of(assignments.values_list("task_id", "task_created_at"))
    task: Any = shape.visible().filter(pk=RawSQL('"first"."id"', ()))
    matching = Statement.of(shape.narrow(task, but={"assignee"}).values("pk")[:1])
    if assigned is None or matching is None:
        return None
    sql = (
        f'SELECT "first"."id" FROM ({assigned.sql}) "first" ("id", "value") '  # noqa: S608 -- Django's own SQL
        f'CROSS JOIN LATERAL ({matching.sql}) "matching" '
        f"ORDER BY {_order_by(page_request, cursor, nullable=False)} LIMIT {page_request.limit + 1}"
    )
    return Statement(sql, assigned.parameters + matching.parameters)


def _order_by(page_request: PageRequest, cursor: Cursor | None, *, nullable: bool = True) -> str:
    backwards = bool(cursor and cursor.backwards)
    direction = "DESC" if page_request.descending != backwards else "ASC"
    # As the index has them: without it PostgreSQL would sort instead of walking the index.
    nulls = (" NULLS FIRST" if backwards else " NULLS LAST") if nullable else ""
    return f'"first"."value" {direction}{nulls}, "first"."id" {direction}'
