"""Projects below projects: who may nest them, and how deep. Roles are not inherited."""

from __future__ import annotations

import uuid

from django.db import connection
from django.db.models import F
from django.utils.translation import gettext

from accounts.models import User
from core.errors import Conflict, Invalid, NotFound
from tasks import policies
from tasks.models import Project
from tasks.projects import selectors

# Levels of projects, the topmost included.
MAX_DEPTH = 5
NESTING_LOCK = "taskflow:project_nesting"


def lock_nesting() -> None:
    """Let one transaction at a time change what is below what; call it before locking a project."""
    # Of two projects put below each other at once, both would find no circle.
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", [NESTING_LOCK])


def valid_parent(actor: User, ref: str | None, *, of: Project | None = None) -> uuid.UUID | None:
    """Return the id of a new parent, of which the actor is an admin too. Raises Invalid, NotAllowed, Conflict."""
    if not ref:
        return None
    try:
        parent = selectors.get_project(actor, ref)
    except NotFound as error:
        raise Invalid.field("parent", selectors.PROJECT_NOT_FOUND, "does_not_exist") from error
    policies.require_manager(selectors.project_role(actor, parent))
    if parent.is_inbox or (of and of.is_inbox):
        raise Invalid.field("parent", gettext("A personal project stands for itself."), "inbox")
    ancestor_ids = ancestors(parent.pk)
    if of and of.pk in {parent.pk, *ancestor_ids}:
        raise Invalid.field("parent", gettext("A project cannot be below itself."), "circle")
    if len(ancestor_ids) + 1 + (height(of.pk) if of else 1) > MAX_DEPTH:
        raise Conflict(
            gettext("Projects are nested at most %(max_depth)s levels deep.") % {"max_depth": MAX_DEPTH},
            code="too_deep",
        )
    return parent.pk


def ancestors(project_id: uuid.UUID) -> list[uuid.UUID]:
    """Return the ids of the projects above, the nearest first."""
    ids: list[uuid.UUID] = []
    above = Project.objects.filter(pk=project_id).values_list("parent_id", flat=True).first()
    while above is not None and len(ids) < MAX_DEPTH:
        ids.append(above)
        above = Project.objects.filter(pk=above).values_list("parent_id", flat=True).first()
    return ids


def height(project_id: uuid.UUID) -> int:
    """Return the number of levels from a project down to its lowest one."""
    level, levels = [project_id], 0
    while level and levels <= MAX_DEPTH:
        levels += 1
        level = list(Project.objects.filter(parent__in=level).values_list("pk", flat=True))
    return levels


def move_children_up(project: Project) -> list[Project]:
    """Put the projects below one that is deleted where it stood; return them as they were before."""
    children = list(Project.objects.filter(parent=project).select_for_update(no_key=True).order_by("pk"))
    Project.objects.filter(parent=project).update(parent=project.parent_id, version=F("version") + 1)
    return children
