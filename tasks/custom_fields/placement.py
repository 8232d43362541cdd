"""Writes of a project's list of fields: their order, and the shared ones in it."""

from __future__ import annotations

import uuid

from django.db import IntegrityError, transaction
from django.utils.translation import gettext

from accounts.models import User
from core.errors import Conflict, NotFound
from tasks.custom_fields import selectors
from tasks.custom_fields.definitions import (
    add_to_project,
    lock_managed_project,
    publish_project_change,
    reorder,
    require_room,
)
from tasks.models import Project, ProjectField


@transaction.atomic
def move(*, actor: User, ref: str, field_id: uuid.UUID, position: int) -> None:
    """Move a field to a place in its project's order, counted from 0. Raises NotFound, NotAllowed, Conflict."""
    project = lock_managed_project(actor, ref)
    rows = list(ProjectField.objects.filter(project=project).order_by("position", "pk"))
    moved = next((row for row in rows if row.field_id == field_id), None)
    if moved is None:
        raise NotFound(selectors.FIELD_NOT_FOUND)
    rows.remove(moved)
    rows.insert(min(position, len(rows)), moved)
    reorder(rows)
    publish_project_change(project, actor, [moved.key], [moved.key])


@transaction.atomic
def link(*, actor: User, ref: str, field_id: uuid.UUID) -> Project:
    """Add a shared field to a project, as its last one. Raises NotFound, NotAllowed, Conflict, Invalid."""
    project = lock_managed_project(actor, ref)
    field = selectors.get_shared_field(actor, field_id)
    if field.archived_at:
        raise Conflict(gettext("This field is archived."), code="archived")
    if ProjectField.objects.filter(project=project, field=field).exists():
        return project
    require_room(project)
    try:
        with transaction.atomic():
            add_to_project(project, field)
    except IntegrityError as error:
        raise Conflict(
            gettext("The project has a field with the key %(key)s already.") % {"key": field.key}, code="taken"
        ) from error
    publish_project_change(project, actor, [], [field.name])
    return project


@transaction.atomic
def unlink(*, actor: User, ref: str, field_id: uuid.UUID, versions: frozenset[int] | None = None) -> Project:
    """Take a shared field out of a project. Values stay stored, and are back when it is added again.

    Raises NotFound, NotAllowed, Conflict.
    """
    project = lock_managed_project(actor, ref)
    row = ProjectField.objects.filter(project=project, field=field_id, field__project=None).select_related("field")
    linked = row.first()
    if linked is None:
        raise NotFound(selectors.FIELD_NOT_FOUND)
    linked.delete()
    publish_project_change(project, actor, [linked.field.name], [])
    return project
