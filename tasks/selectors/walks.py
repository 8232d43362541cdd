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

from core.prepared import Bind, Inline, Statement
from gateway import pagination
from gateway.pagination import Mark, Sort, Window
from tasks.models import Category, Project, State, Task, TaskAssignee
from tasks.querysets import TaskQuerySet
from tasks.selectors.shapes import Shape

# These leave few tasks, or have an index of their own: they are asked over all projects at once.
SELECTIVE = frozenset({"assignee", "creator", "label", "parent", "updated_since"})
OF_STATES = frozenset({"project", "status", "category"})
OPEN = (Category.TODO, Category.IN_PROGRESS)


def first(shape: Shape, window: Window, mark: Mark | None) -> Statement | None:
    """The ids of the tasks after the mark, one more than the window holds."""
    if shape.names & SELECTIVE:
        if window.sort.column == "created_at" and (person := _only_assignee(shape)):
            return _of_person(person, shape, window, mark)
        return through(shape.rows(), window, mark)
    if _is_by_state(shape, window):
        return _of_each("state", _states(shape), shape, window, mark)
    if shape.overseer or "project" in shape.names:
        return through(shape.rows(), window, mark)
    mine = Project.objects.seen_by(Bind("reader"), overseer=False)
    return _of_each("project", mine, shape, window, mark)


def through(rows: TaskQuerySet, window: Window, mark: Mark | None) -> Statement | None:
    return Statement.of(pagination.after(rows, window, mark).values("pk")[: window.limit + 1])


def _is_by_state(shape: Shape, window: Window) -> bool:
    """Whether only an index that begins with the state has the rows together, or in this order."""
    return (
        bool(shape.names & {"status", "category"}) or shape.value("overdue") is True or window.sort.column == "due_date"
    )


def _states(shape: Shape) -> QuerySet[State]:
    """The states that hold what is asked for, in the projects the reader sees."""
    found = State.objects.filter(project__in=Project.objects.seen_by(Bind("reader"), overseer=shape.overseer))
    if shape.value("overdue"):
        found = found.filter(category__in=OPEN)
    named = {"project": "project", "status": "slug__in", "category": "category__in"}
    return found.filter(**{named[name]: value for name, value in shape.filters if name in named})


def _of_each(part: str, parts: QuerySet[Any], shape: Shape, window: Window, mark: Mark | None) -> Statement | None:
    """The first tasks of each part, then the first of these."""
    found = _of_parts(part, parts, shape, window, mark)
    return _with_shared(found, shape, window, mark) if shape.guest else found


def _of_parts(part: str, parts: QuerySet[Any], shape: Shape, window: Window, mark: Mark | None) -> Statement | None:
    mine = Statement.of(parts.values("pk"))
    here: Any = Task.objects.filter(**{part: RawSQL('"mine"."id"', ())})
    rows = shape.narrow(here, but=OF_STATES if part == "state" else ())
    wanted = pagination.branches(rows, window, mark)
    found = [Statement.of(rows.values_list("pk", window.sort.column)[: window.limit + 1]) for rows in wanted]
    of_each = [one for one in found if one is not None]
    if mine is None or not of_each:
        return None
    union = " UNION ALL ".join(f"({one.sql})" for one in of_each)
    sql = (
        f'SELECT "found"."id" FROM ({mine.sql}) "mine" ("id") CROSS JOIN LATERAL ({union}) "found" ("id", "place") '  # noqa: S608 -- Django's own SQL
        f"ORDER BY {_order(window, mark)} LIMIT {window.limit + 1}"
    )
    return Statement(sql, mine.parameters + tuple(value for one in of_each for value in one.parameters))


def _with_shared(found: Statement | None, shape: Shape, window: Window, mark: Mark | None) -> Statement | None:
    """The first of these and of the tasks that were shared with the reader one by one."""
    shared = through(shape.narrow(Task.objects.shared_with(Bind("reader"))), window, mark)
    if found is None or shared is None:
        return found or shared
    sql = f'SELECT "seen"."id" FROM (({found.sql}) UNION ALL ({shared.sql})) "seen" ("id")'  # noqa: S608 -- Django's own SQL
    both = Statement(sql, found.parameters + shared.parameters)
    return through(Task.objects.filter(pk__in=Inline(both)), window, mark)


def _only_assignee(shape: Shape) -> Any:
    people: Any = shape.value("assignee")
    return people[0] if people and len(people) == 1 and people[0] != "none" else None


def _of_person(person: Any, shape: Shape, window: Window, mark: Mark | None) -> Statement | None:
    """One person's tasks, from the newest assignment's task on, as far as the reader sees them and they pass.

    Each is looked at by itself: from a plain join PostgreSQL would read all the person's tasks as soon as it doubts
    how many pass.
    """
    newest = replace(window, sorts={"created_at": Sort("task_created_at", key="task_id")})
    links: Any = pagination.after(TaskAssignee.objects.filter(user=person), newest, mark)
    mine = Statement.of(links.values_list("task_id", "task_created_at"))
    here: Any = shape.visible().filter(pk=RawSQL('"found"."id"', ()))
    seen = Statement.of(shape.narrow(here, but={"assignee"}).values("pk")[:1])
    if mine is None or seen is None:
        return None
    sql = (
        f'SELECT "found"."id" FROM ({mine.sql}) "found" ("id", "place") CROSS JOIN LATERAL ({seen.sql}) "seen" '  # noqa: S608 -- Django's own SQL
        f"ORDER BY {_order(window, mark, nullable=False)} LIMIT {window.limit + 1}"
    )
    return Statement(sql, mine.parameters + seen.parameters)


def _order(window: Window, mark: Mark | None, *, nullable: bool = True) -> str:
    backwards = bool(mark and mark.backwards)
    direction = "DESC" if window.descending != backwards else "ASC"
    nulls = (" NULLS FIRST" if backwards else " NULLS LAST") if nullable else ""
    return f'"found"."place" {direction}{nulls}, "found"."id" {direction}'
