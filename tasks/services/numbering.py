from __future__ import annotations

from functools import lru_cache

from django.db.models import F

from accounts.models import User
from core.errors import NotFound
from core.prepared import Bind, Statement, instance, names_of
from tasks.models import Project
from tasks.selectors import named


def take_numbers(*, actor: User, project_ref: str, count: int) -> tuple[Project, int]:
    """Take the next numbers of a project that the actor sees; returns the project and the first of them.

    The row stays locked until the end of the transaction: who creates tasks in it stands in line here.
    """
    column, value = named(project_ref)
    found = _taking(actor.is_overseer, column).run({"reader": actor.pk, column: value, "count": count})
    if not found:
        raise NotFound("There is no such project.")
    project = instance(Project, found[0])
    return project, project.next_number - count


@lru_cache(maxsize=4)
def _taking(overseer: bool, column: str) -> Statement:
    visible = Project.objects.seen_by(Bind("reader"), overseer=overseer).filter(**{column: Bind(column)})
    return Statement.update(visible, {"next_number": F("next_number") + Bind("count")}, returning=names_of(Project))
