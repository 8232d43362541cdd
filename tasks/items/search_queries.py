"""SQL that walks a list until a page is full of tasks with common words.

The lists of the reader's projects are merged by their indexes, and the words are compared above the merge: about as many
rows are read as it takes to meet a page of matches, whatever the number of projects.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from django.db.models.expressions import RawSQL

from accounts.models import User
from core.api import pagination
from core.api.pagination import Cursor, PageRequest
from core.sql_templates import Param, Statement
from tasks.filters.selectors import TaskFilters
from tasks.items import index_queries
from tasks.items.query_shape import MAX_MERGED_PROJECTS, parametrize
from tasks.models import Comment, Project, Task
from tasks.models.search_terms import candidate_ids
from tasks.models.task import CLOSED_CATEGORIES, TASK_KEY_PATTERN

# The orders in which an index holds the tasks of a project.
MERGED_ORDERS = {"created_at", "updated_at"}


def look_up(filters: TaskFilters) -> TaskFilters | None:
    """Return the filters with the candidates of the search; None for words that too many tasks have."""
    candidates = candidate_ids(Task.objects, Comment.objects, filters.search)
    is_key = TASK_KEY_PATTERN.match(filters.search.strip())
    return replace(filters, candidates=candidates) if is_key or candidates is not None else None


def first_ids(
    user: User, filters: TaskFilters, page_request: PageRequest, cursor: Cursor | None
) -> tuple[Statement | None, dict[str, Any]]:
    """Return the statement of the first ids after the cursor, and its values; `filters.search` has common words."""
    shape, values = parametrize(user, replace(filters, search="", words=filters.search))
    project_ids: list[Any] = []
    if not (shape.as_staff or shape.guest or "project" in shape.names) and page_request.sort.column in MERGED_ORDERS:
        projects = Project.objects.visible_to_id(user.pk, as_staff=False)
        project_ids = list(projects.values_list("pk", flat=True)[: MAX_MERGED_PROJECTS + 1])
    if not 0 < len(project_ids) <= MAX_MERGED_PROJECTS:
        return index_queries.ids_in_order(shape.rows(), page_request, cursor), values
    of_project = Task.objects.filter(project=Param("project"))
    if "category" in shape.names and not set(shape.value("category")) & set(CLOSED_CATEGORIES):
        of_project = of_project.open()  # which has an index too
    ordered = pagination.after_cursor(of_project, page_request, cursor)
    branch = Statement.always(ordered.values_list("pk", page_request.sort.column))
    # Refers to the row of the outer query, as in index_queries.
    merged: Any = Task.objects.filter(pk=RawSQL('"merged"."id"', ()))
    match = Statement.of(shape.narrow(merged, but={"project"}).values("pk"))
    if match is None:
        return None, values
    descending = page_request.descending != bool(cursor and cursor.backwards)
    order = ", ".join(f'"merged"."{name}"{" DESC" if descending else ""}' for name in ("value", "id"))
    union = " UNION ALL ".join([f"({branch.sql})"] * len(project_ids))
    # OFFSET 0 keeps the filters above the merge: below it each project would be walked to its first match.
    sql = (
        f'SELECT "merged"."id" FROM (SELECT * FROM ({union}) "merged" ("id", "value") ORDER BY {order} OFFSET 0) "merged" '  # noqa: S608 -- Django's own SQL
        f'CROSS JOIN LATERAL ({match.sql}) "match" ORDER BY {order} LIMIT {page_request.limit + 1}'
    )
    parameters: list[Any] = []
    for project_id in project_ids:
        parameters += [project_id if part == Param("project") else part for part in branch.parameters]
    return Statement(sql, (*parameters, *match.parameters)), values
