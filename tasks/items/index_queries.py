"""How the first tasks of a list are found without looking at the others.

PostgreSQL would either sort all that a reader sees, or walk through what everybody has written since. So an index is
walked that holds the rows in the order of the list, and walked by parts where there is none for the whole: the first
rows of each project or state the reader sees, then the first of these. The cost follows the number of parts, neither
that of tasks nor the depth of the page.
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

# These leave few tasks, or have an index of their own: they are asked over all projects at once.
SELECTIVE_FILTERS = frozenset({"assignee", "creator", "label", "parent", "updated_since"})
STATE_FILTERS = frozenset({"project", "status", "category"})
OPEN_CATEGORIES = (Category.TODO, Category.IN_PROGRESS)


def first_ids(shape: QueryShape, window: PageRequest, mark: Cursor | None) -> Statement | None:
    """The ids of the tasks after the mark, one more than the window holds."""
    if shape.names & SELECTIVE_FILTERS:
        if window.sort.column == "created_at" and (user := _only_assignee(shape)):
            return _lateral_by_assignment(user, shape, window, mark)
        return ids_in_order(shape.rows(), window, mark)
    if _needs_state_index(shape, window):
        return _lateral_with_shared("state", _matching_states(shape), shape, window, mark)
    if shape.overseer or "project" in shape.names:
        return ids_in_order(shape.rows(), window, mark)
    mine = Project.objects.visible_to_id(Param("reader"), overseer=False)
    return _lateral_with_shared("project", mine, shape, window, mark)


def ids_in_order(rows: TaskQuerySet, window: PageRequest, mark: Cursor | None) -> Statement | None:
    return Statement.of(pagination.after_cursor(rows, window, mark).values("pk")[: window.limit + 1])


def _needs_state_index(shape: QueryShape, window: PageRequest) -> bool:
    """Whether only an index that begins with the state has the rows together, or in this order."""
    return (
        bool(shape.names & {"status", "category"}) or shape.value("overdue") is True or window.sort.column == "due_date"
    )


def _matching_states(shape: QueryShape) -> QuerySet[State]:
    """The states that hold what is asked for, in the projects the reader sees."""
    found = State.objects.filter(project__in=Project.objects.visible_to_id(Param("reader"), overseer=shape.overseer))
    if shape.value("overdue"):
        found = found.filter(category__in=OPEN_CATEGORIES)
    named = {"project": "project", "status": "slug__in", "category": "category__in"}
    return found.filter(**{named[name]: value for name, value in shape.filters if name in named})


def _lateral_with_shared(
    part: str, parts: QuerySet[Any], shape: QueryShape, window: PageRequest, mark: Cursor | None
) -> Statement | None:
    """The first tasks of each part, then the first of these."""
    found = _lateral_by_part(part, parts, shape, window, mark)
    return _union_shared(found, shape, window, mark) if shape.guest else found


def _lateral_by_part(
    part: str, parts: QuerySet[Any], shape: QueryShape, window: PageRequest, mark: Cursor | None
) -> Statement | None:
    mine = Statement.of(parts.values("pk"))
    here: Any = Task.objects.filter(**{part: RawSQL('"mine"."id"', ())})
    rows = shape.narrow(here, but=STATE_FILTERS if part == "state" else ())
    wanted = pagination.split_nulls(rows, window, mark)
    found = [Statement.of(rows.values_list("pk", window.sort.column)[: window.limit + 1]) for rows in wanted]
    of_each = [one for one in found if one is not None]
    if mine is None or not of_each:
        return None
    union = " UNION ALL ".join(f"({one.sql})" for one in of_each)
    sql = (
        f'SELECT "found"."id" FROM ({mine.sql}) "mine" ("id") CROSS JOIN LATERAL ({union}) "found" ("id", "place") '  # noqa: S608 -- Django's own SQL
        f"ORDER BY {_order_by(window, mark)} LIMIT {window.limit + 1}"
    )
    return Statement(sql, mine.parameters + tuple(value for one in of_each for value in one.parameters))


def _union_shared(
    found: Statement | None, shape: QueryShape, window: PageRequest, mark: Cursor | None
) -> Statement | None:
    """The first of these and of the tasks that were shared with the reader one by one."""
    shared = ids_in_order(shape.narrow(Task.objects.shared_with(Param("reader"))), window, mark)
    if found is None or shared is None:
        return found or shared
    sql = f'SELECT "seen"."id" FROM (({found.sql}) UNION ALL ({shared.sql})) "seen" ("id")'  # noqa: S608 -- Django's own SQL
    both = Statement(sql, found.parameters + shared.parameters)
    return ids_in_order(Task.objects.filter(pk__in=Subquery(both)), window, mark)


def _only_assignee(shape: QueryShape) -> Any:
    people: Any = shape.value("assignee")
    return people[0] if people and len(people) == 1 and people[0] != "none" else None


def _lateral_by_assignment(user: Any, shape: QueryShape, window: PageRequest, mark: Cursor | None) -> Statement | None:
    """One person's tasks, from the newest assignment's task on, as far as the reader sees them and they pass.

    Each is looked at by itself: from a plain join PostgreSQL would read all the person's tasks as soon as it doubts
    how many pass.
    """
    newest = replace(window, sorts={"created_at": Sort("task_created_at", key="task_id")})
    links: Any = pagination.after_cursor(TaskAssignee.objects.filter(user=user), newest, mark)
    mine = Statement.of(links.values_list("task_id", "task_created_at"))
    here: Any = shape.visible().filter(pk=RawSQL('"found"."id"', ()))
    seen = Statement.of(shape.narrow(here, but={"assignee"}).values("pk")[:1])
    if mine is None or seen is None:
        return None
    sql = (
        f'SELECT "found"."id" FROM ({mine.sql}) "found" ("id", "place") CROSS JOIN LATERAL ({seen.sql}) "seen" '  # noqa: S608 -- Django's own SQL
        f"ORDER BY {_order_by(window, mark, nullable=False)} LIMIT {window.limit + 1}"
    )
    return Statement(sql, mine.parameters + seen.parameters)


def _order_by(window: PageRequest, mark: Cursor | None, *, nullable: bool = True) -> str:
    backwards = bool(mark and mark.backwards)
    direction = "DESC" if window.descending != backwards else "ASC"
    nulls = (" NULLS FIRST" if backwards else " NULLS LAST") if nullable else ""
    return f'"found"."place" {direction}{nulls}, "found"."id" {direction}'
