"""Reads of the trash."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from typing import Any

from django.db import connection
from django.db.models import Exists, OuterRef, QuerySet
from django.utils.translation import gettext_noop

from accounts.models import User
from core.errors import NotFound, require
from tasks import policies
from tasks.models import Project, TrashEntry
from tasks.models.trash import PRIVATE_KINDS
from tasks.projects import selectors as projects_selectors

ENTRY_NOT_FOUND = gettext_noop("There is no such entry in the trash.")


def list_entries(user: User, *, project: str = "", kind: str = "") -> QuerySet[TrashEntry]:
    """Return what the user may see in the trash; a project that is not visible has none."""
    visible = Project.objects.visible_to(user).filter(pk=OuterRef("project"))
    entries = TrashEntry.objects.visible_to(user).without_rows().annotate(shows_project=Exists(visible))
    if project:
        entries = entries.filter(project=projects_selectors.resolve_project_id(user, project))
    return entries.filter(kind=kind) if kind else entries


def get_entry(user: User, entry_id: uuid.UUID) -> TrashEntry:
    """Return one entry without its rows. Raises NotFound."""
    entry = list_entries(user).filter(pk=entry_id).first()
    if entry is None:
        raise NotFound(ENTRY_NOT_FOUND)
    return entry


def lock_entry(user: User, entry_id: uuid.UUID) -> TrashEntry:
    """Lock a visible entry until the end of the transaction. Raises NotFound."""
    visible = TrashEntry.objects.visible_to(user).filter(pk=entry_id).values("pk")
    entry = TrashEntry.objects.select_for_update().defer("rows").filter(pk__in=visible).first()
    if entry is None:
        raise NotFound(ENTRY_NOT_FOUND)
    return entry


def may_purge(user: User, entry: TrashEntry) -> bool:
    """Return whether the user may delete an entry permanently: an admin of its project, or of the site."""
    if entry.project is None:
        is_own = entry.kind in {TrashEntry.Kind.PROJECT, *PRIVATE_KINDS}
        return user.is_admin or (is_own and entry.deleted_by_id == user.pk)
    return policies.can_manage(projects_selectors.project_role(user, entry.project))


def require_purger(user: User, entry: TrashEntry) -> None:
    """Raise NotAllowed unless the user may delete the entry permanently."""
    require(may_purge(user, entry), "Only project admins can delete something permanently.")


def lock_project_of_entry(entry: TrashEntry) -> Project | None:
    """Lock the project to which an entry belongs; None while it is in the trash itself, or gone."""
    if entry.project_id is None:
        return None
    return Project.objects.select_for_update(no_key=True).filter(pk=entry.project_id).first()


def stored_rows(model_label: str, values: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the stored rows of a model that have these values."""
    pattern = json.dumps({model_label: [values]})
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT stored FROM tasks_trashentry, jsonb_array_elements(rows -> %s) AS stored "
            "WHERE rows @> %s::jsonb AND stored @> %s::jsonb",
            [model_label, pattern, json.dumps(values)],
        )
        for row in cursor:
            yield json.loads(row[0])


def stored_values(model_label: str, column: str) -> Iterator[Any]:
    """Yield the values of a column in all stored rows, such as names of files."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT jsonb_path_query(rows, %s::jsonpath) #>> '{}' FROM tasks_trashentry",
            [f'$."{model_label}"[*]."{column}"'],
        )
        for row in cursor:
            yield row[0]


def purgeable_ids(user: User, entries: list[TrashEntry]) -> set[uuid.UUID]:
    """Return the ids of the entries that the user may delete permanently; one query."""
    roles = projects_selectors.roles_by_project(user, {entry.project for entry in entries if entry.project})
    return {
        entry.pk
        for entry in entries
        if (policies.can_manage(roles[entry.project.pk]) if entry.project else may_purge(user, entry))
    }
