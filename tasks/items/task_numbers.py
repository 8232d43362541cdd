from __future__ import annotations

from functools import lru_cache

from django.db.models import F

from accounts.models import User
from core.errors import NotFound
from core.sql_templates import Param, Statement, from_row, select_columns
from tasks.models import Project
from tasks.projects import selectors as projects_selectors


def reserve_numbers(*, actor: User, project_ref: str, count: int) -> tuple[Project, int]:
    """Take the next numbers of a visible project; returns the project and the first number. Raises NotFound.

    The project stays locked until the end of the transaction: creations of tasks in it queue here.
    """
    column, value = projects_selectors.lookup_for_ref(project_ref)
    # One UPDATE finds the visible project, locks it and returns it; the others that wait for it wait less.
    rows = _reserve_statement(actor.is_staff_or_admin, column).run({"reader": actor.pk, column: value, "count": count})
    if not rows:
        raise NotFound("There is no such project.")
    project = from_row(Project, rows[0])
    return project, project.next_number - count


@lru_cache(maxsize=4)
def _reserve_statement(as_staff: bool, column: str) -> Statement:
    # The visibility is part of the UPDATE: an invisible project is not even locked.
    visible = Project.objects.visible_to_id(Param("reader"), as_staff=as_staff).filter(**{column: Param(column)})
    return Statement.update(
        visible, {"next_number": F("next_number") + Param("count")}, returning=select_columns(Project)
    )
