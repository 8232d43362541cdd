"""Numbers of tasks: consecutive in each project, without gaps."""

from __future__ import annotations

from functools import lru_cache

from django.db.models import F

from core.sql_templates import Param, Statement
from tasks import policies
from tasks.models import Project


def reserve_numbers(project: Project, count: int) -> int:
    """Take the next numbers of a project and return the first; raises Conflict when it was archived meanwhile.

    The project stays locked until the end of the transaction: creations of tasks in it queue here.
    """
    rows = _reserve_statement().run({"project": project.pk, "count": count})
    if not rows:
        project.refresh_from_db()
        policies.require_not_archived(project)
    next_number: int = rows[0][0]
    return next_number - count


@lru_cache(maxsize=1)
def _reserve_statement() -> Statement:
    projects = Project.objects.filter(pk=Param("project"), archived_at=None)
    return Statement.update(projects, {"next_number": F("next_number") + Param("count")}, returning=["next_number"])
