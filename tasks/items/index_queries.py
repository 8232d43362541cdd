"""SQL that finds the first tasks of a list by an index alone.

PostgreSQL would either sort all tasks that a reader sees, or walk through what all users have written since. So the index
with the rows in list order is walked, and where none holds them for the whole list, by parts: the first rows of each
project or state that the reader sees, then the first of these. The cost follows the number of parts, neither that of
tasks nor the depth of the page.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import DateField, DateTimeField, Func, Q, QuerySet, UUIDField
from django.db.models.expressions import RawSQL
from django.db.models.functions import Cast

from core.api import pagination
from core.api.pagination import Cursor, PageRequest, Sort
from core.sql_templates import EqualsAny, Param, Statement, Subquery, any_of
from core.time_zones import NextDay, StartOfDay
from tasks.filters.conditions import AnyOf, Leaf, has_range, is_selective, people_alternative, without
from tasks.filters.selectors import DUE_SORT
from tasks.items.query_shape import COMPARED_FILTERS, QueryShape
from tasks.models import Category, Project, State, Task, TaskAssignee
from tasks.models.task import TaskQuerySet

# These leave few tasks or have an index of their own: they are evaluated over all projects at once.
SELECTIVE_FILTERS = frozenset({"assignee", "creator", "label", "parent", "updated_since"})
STATE_FILTERS = frozenset({"project", "projects", "status", "category"})
# Only an index on the state serves these, and the order by due date.
STATE_INDEX_FILTERS = frozenset({"status", "category", "due_after", "due_before"})
# The orders in which an index holds all tasks.
GLOBAL_ORDERS = frozenset({"created_at", "updated_at"})
# The last day, or the first, that may end before or after an instant somewhere in the world.
DAY_BOUNDS = {
    "lt": "((%(expressions)s AT TIME ZONE 'UTC')::date + 1)",
    "gt": "((%(expressions)s AT TIME ZONE 'UTC')::date - 2)",
}
OPEN_CATEGORIES = (Category.TODO, Category.IN_PROGRESS)


def first_ids(shape: QueryShape, page_request: PageRequest, cursor: Cursor | None) -> Statement | None:
    """Return the statement of the ids after the cursor, one more than the page holds."""
    assignees: Any = shape.value("assignee")
    condition = shape.value("condition")
    selective = shape.names & SELECTIVE_FILTERS - ({"assignee"} if assignees and "none" in assignees else set())
    if selective or (condition is not None and is_selective(condition)):
        single = assignees[0] if assignees and len(assignees) == 1 and assignees[0] != "none" else None
        if single and page_request.sort.column == "created_at":
            return _lateral_by_assignment(single, shape, page_request, cursor)
        if page_request.sort.column == "created_at" and (people := people_alternative(condition)):
            return _lateral_by_people(people, shape, page_request, cursor)
        if condition is not None and "creator" in shape.names and page_request.sort.column != "created_at":
            # The user's tasks first: PostgreSQL overrates how many pass a condition, and would walk all in list order.
            created = ArraySubquery(Task.objects.created_by(list(shape.value("creator"))).values("pk"))
            ids: Any = Func(created, template="SELECT unnest(%(expressions)s)", output_field=UUIDField())
            rows = shape.narrow(shape.visible(), but={"creator"}).filter(pk__in=ids)
            return ids_in_order(rows, page_request, cursor)
        return ids_in_order(shape.rows(), page_request, cursor)
    # An index of each project holds the range, whatever the order.
    by_range = has_range(condition, page_request.sort.column)
    narrow = {"project", "projects", "due_after"}
    # So many parts, of each of which the first rows would be compared with these filters.
    compared = shape.names & COMPARED_FILTERS and not shape.names & narrow
    if shape.is_broad and compared and not by_range and page_request.sort.column in GLOBAL_ORDERS:
        return ids_in_order(shape.rows(), page_request, cursor)
    projects = Project.objects.visible_to_id(Param("reader"), as_staff=shape.as_staff)
    if project_ids := shape.value("projects"):
        projects = projects.filter(any_of("pk", project_ids))
    if not by_range and (
        shape.names & STATE_INDEX_FILTERS or shape.value("overdue") is True or page_request.sort == DUE_SORT
    ):
        states = State.objects.filter(project__in=projects)
        if shape.value("overdue") is True:
            states = states.filter(category__in=OPEN_CATEGORIES)
        lookups = {"project": "project", "status": "slug__in", "category": "category__in"}
        states = states.filter(**{lookups[name]: value for name, value in shape.filters if name in lookups})
        return _lateral_with_shared("state", states, shape, page_request, cursor)
    if "project" in shape.names or (shape.as_staff and not by_range and not project_ids):
        return ids_in_order(shape.rows(), page_request, cursor)
    return _lateral_with_shared("project", projects, shape, page_request, cursor)


def ids_in_order(tasks: TaskQuerySet, page_request: PageRequest, cursor: Cursor | None) -> Statement | None:
    """Return the statement of the first of these tasks after the cursor, as one query."""
    ordered = pagination.after_cursor(with_sort_column(tasks, page_request), page_request, cursor)
    return Statement.of(ordered.values("pk")[: page_request.limit + 1])


def with_sort_column(tasks: TaskQuerySet, page_request: PageRequest) -> TaskQuerySet:
    """Annotate the column of the order where it is none of the table; the parameter `zone` is the reader's."""
    return tasks.with_due_instant(Param("zone")) if page_request.sort == DUE_SORT else tasks


def _lateral_with_shared(
    part: str, parts: QuerySet[Any], shape: QueryShape, page_request: PageRequest, cursor: Cursor | None
) -> Statement | None:
    """Find the first tasks of each part, and of a guest's shared tasks; then the first of all."""
    part_ids = Statement.of(parts.values("pk"))
    # Refers to the row of the outer query: LATERAL allows it, and Django has no expression for it.
    tasks: Any = with_sort_column(Task.objects.filter(**{part: RawSQL('"part"."id"', ())}), page_request)
    # The parts are the states that pass these filters already.
    narrowed = shape.narrow(tasks, but=STATE_FILTERS if part == "state" else ())
    # Nulls that follow the values are a query of their own: an index cannot start at “this value or null”.
    phases: list[list[Any]]
    if page_request.sort == DUE_SORT:
        phases = _split_due(narrowed, shape, page_request, cursor)
    elif shape.names & {"due_after", "due_before"}:
        split = [pagination.split_nulls(rows, page_request, cursor) for rows in _due_ranges(narrowed, shape)]
        phases = [list(queries) for queries in zip(*split, strict=True)]
    else:
        phases = [[query] for query in pagination.split_nulls(narrowed, page_request, cursor)]
    by_part = None if part_ids is None else _lateral(part_ids, phases, page_request, cursor)
    # Shared tasks lie in projects that the reader does not see, so no part of the above holds them.
    if not shape.guest:
        return by_part
    shared = ids_in_order(shape.narrow(Task.objects.shared_with(Param("reader"))), page_request, cursor)
    if by_part is None or shared is None:
        return by_part or shared
    sql = f'SELECT "visible"."id" FROM (({by_part.sql}) UNION ALL ({shared.sql})) "visible" ("id")'  # noqa: S608 -- Django's own SQL
    both = Statement(sql, by_part.parameters + shared.parameters)
    return ids_in_order(Task.objects.filter(pk__in=Subquery(both)), page_request, cursor)


def _lateral(
    part_ids: Statement, phases: list[list[Any]], page_request: PageRequest, cursor: Cursor | None
) -> Statement | None:
    """Find the first tasks of all parts; the second phase runs only if the first does not fill the page."""
    column, limit, order = page_request.sort.column, page_request.limit + 1, _order_by(page_request, cursor)
    statements: list[Statement] = []
    for queries in phases:
        compiled = [Statement.of(query.values_list("pk", column)[:limit]) for query in queries]
        of_part = [statement for statement in compiled if statement is not None]
        if not of_part:
            continue
        union = " UNION ALL ".join(f"({statement.sql})" for statement in of_part)
        is_needed = f'(SELECT count(*) FROM "before") < {limit}' if statements else "true"  # noqa: S608 -- a number
        sql = (
            f'SELECT "first"."id", "first"."value" FROM ({part_ids.sql}) "part" ("id") '  # noqa: S608 -- Django's own SQL
            f'CROSS JOIN LATERAL ({union}) "first" ("id", "value") WHERE {is_needed} ORDER BY {order} LIMIT {limit}'
        )
        values = [value for statement in of_part for value in statement.parameters]
        statements.append(Statement(sql, (*part_ids.parameters, *values)))
    if not statements:
        return None
    first, *second = statements
    rows = " UNION ALL ".join(['SELECT * FROM "before"', *(f"({statement.sql})" for statement in second)])
    sql = (
        f'WITH "before" AS MATERIALIZED ({first.sql}) '  # noqa: S608 -- Django's own SQL
        f'SELECT "first"."id" FROM ({rows}) "first" ORDER BY {order} LIMIT {limit}'
    )
    return Statement(sql, (*first.parameters, *(value for statement in second for value in statement.parameters)))


def _due_ranges(tasks: TaskQuerySet, shape: QueryShape) -> tuple[Any, Any]:
    """Return the tasks with a day and those with an instant, within the filters' range."""
    days = tasks.filter(due_date__isnull=False)
    instants = tasks.filter(due_date=None, due_at__isnull=False)
    # Redundant, but each is a range of the index, which the union of both is not.
    if (first := shape.value("due_after")) is not None:
        days = days.filter(due_date__gte=first)
        instants = instants.filter(due_at__gte=StartOfDay(first, Param("zone")))
    if (last := shape.value("due_before")) is not None:
        days = days.filter(due_date__lte=last)
        instants = instants.filter(due_at__lt=StartOfDay(NextDay(last), Param("zone")))
    return days, instants


def _split_due(
    tasks: TaskQuerySet, shape: QueryShape, page_request: PageRequest, cursor: Cursor | None
) -> list[list[Any]]:
    """Return the tasks after the cursor: those with a day and with an instant, and those without a due date.

    An index holds each of the three in due order, but not their union: when a day ends depends on the reader.
    """
    backwards = bool(cursor and cursor.backwards)
    descending = page_request.descending != backwards
    days, instants = _due_ranges(tasks, shape)
    undated = tasks.filter(due_date=None, due_at=None)
    if cursor and cursor.value is None:
        undated = undated.filter(**{"pk__lt" if descending else "pk__gt": cursor.key})
    elif cursor:
        sign = "lt" if descending else "gt"
        beyond = Q(**{f"due_instant__{sign}": cursor.value}) | Q(
            due_instant=cursor.value, **{f"pk__{sign}": cursor.key}
        )
        # Redundant, but where an index can start. No time zone is more than 14 hours from UTC.
        value = Cast(cursor.value, DateTimeField())
        from_day = Func(value, template=DAY_BOUNDS[sign], output_field=DateField())
        days = days.filter(beyond, **{f"due_date__{sign}e": from_day})
        instants = instants.filter(beyond, **{f"due_at__{sign}e": cursor.value})
    names = [f"-{name}" if descending else name for name in ("due_date", "due_at", "pk")]
    phases = [[days.order_by(*names), instants.order_by(*names)], [undated.order_by(*names)]]
    if backwards:
        phases.reverse()
    # The phases before the one that the cursor is in are behind it.
    return phases[1:] if cursor and (cursor.value is None) != backwards else phases


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


def _lateral_by_people(
    people: AnyOf, shape: QueryShape, page_request: PageRequest, cursor: Cursor | None
) -> Statement | None:
    """Find the visible, matching tasks that users are assigned to or have created.

    Both lists, newest first, are merged and each task is looked up by itself, until the page is full: users may have thousands.
    """
    newest = replace(page_request, sorts={"created_at": Sort("task_created_at", key="task_id")})
    branches = []
    for leaf in people.parts:
        assert isinstance(leaf, Leaf)
        ids = EqualsAny("user_id" if leaf.kind == "assignee" else "creator_id", leaf.value)
        rows: Any = (
            pagination.after_cursor(TaskAssignee.objects.filter(ids), newest, cursor).values_list(
                "task_created_at", "task_id"
            )
            if leaf.kind == "assignee"
            else pagination.after_cursor(Task.objects.filter(ids), page_request, cursor).values_list("created_at", "pk")
        )
        if statement := Statement.of(rows):
            branches.append(statement)
    task: Any = shape.visible().filter(pk=RawSQL('"first"."id"', ()))
    rest = without(shape.value("condition"), people)
    narrowed = replace(shape, filters=(*(pair for pair in shape.filters if pair[0] != "condition"), *rest))
    matching = Statement.of(narrowed.narrow(task).values("pk")[:1])
    if not branches or matching is None:
        return None
    union = " UNION ALL ".join(f"({statement.sql})" for statement in branches)
    order = _order_by(page_request, cursor, nullable=False)
    sql = (
        f'SELECT "first"."id" FROM (SELECT DISTINCT "first"."value", "first"."id" '  # noqa: S608 -- Django's own SQL
        f'FROM ({union}) "first" ("value", "id") ORDER BY {order}) "first" '
        f'CROSS JOIN LATERAL ({matching.sql}) "matching" ORDER BY {order} LIMIT {page_request.limit + 1}'
    )
    parameters = (value for statement in branches for value in statement.parameters)
    return Statement(sql, (*parameters, *matching.parameters))


def _order_by(page_request: PageRequest, cursor: Cursor | None, *, nullable: bool = True) -> str:
    backwards = bool(cursor and cursor.backwards)
    direction = "DESC" if page_request.descending != backwards else "ASC"
    # As the index has them: without it PostgreSQL would sort instead of walking the index.
    nulls = (" NULLS FIRST" if backwards else " NULLS LAST") if nullable else ""
    return f'"first"."value" {direction}{nulls}, "first"."id" {direction}'
