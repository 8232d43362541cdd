"""Writes of sections: create, rename, move, delete."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import F
from django.utils.translation import gettext

from accounts.models import User
from core.errors import Conflict
from core.etags import check_version
from events.outbox import publish
from tasks import events, policies
from tasks.cache import invalidate_viewers
from tasks.events import project_payload
from tasks.models import Project, Section
from tasks.projects import selectors as projects_selectors
from tasks.sections import selectors
from tasks.trash.storage import collect, discard

# Of one project: a page lists them all.
MAX_SECTIONS = 100


@transaction.atomic
def create(*, actor: User, ref: str, name: str) -> Section:
    """Add a section as the last one. Raises NotFound, NotAllowed, Conflict."""
    project = _lock_project(actor, ref)
    # The project is locked, so no other new section takes this position.
    require_room(project)
    section = Section.objects.create(project=project, name=name.strip(), position=selectors.next_position(project))
    _publish_change(project, actor, section.pk, [], [section.name])
    return section


@transaction.atomic
def update(
    *, actor: User, ref: str, section_id: uuid.UUID, changes: dict[str, Any], versions: frozenset[int] | None = None
) -> Section:
    """Change the name of a section, or its `position` counted from 0.

    Raises NotFound, NotAllowed, Conflict, VersionConflict.
    """
    project = _lock_project(actor, ref)
    section = selectors.get_section(project, section_id)
    check_version(section, versions, changes)
    before, name = section.name, changes.get("name", section.name).strip()
    rows = [row for row in selectors.list_sections(project) if row.pk != section.pk]
    place = min(changes.get("position", section.position), len(rows))
    rows.insert(place, section)
    if name == before and rows.index(section) == section.position:
        return section
    moved = [row for index, row in enumerate(rows) if row.position != index and row.pk != section.pk]
    for index, row in enumerate(rows):
        row.position = index
    Section.objects.bulk_update(moved, ["position"])
    Section.objects.filter(pk=section.pk).update(name=name, position=place, version=F("version") + 1)
    section.refresh_from_db()
    _publish_change(project, actor, section.pk, [before], [section.name])
    return section


@transaction.atomic
def delete(
    *, actor: User, ref: str, section_id: uuid.UUID, now: datetime, versions: frozenset[int] | None = None
) -> None:
    """Move a section to the trash; its tasks stay, without a section.

    Raises NotFound, NotAllowed, Conflict, VersionConflict.
    """
    project = _lock_project(actor, ref)
    section = selectors.get_section(project, section_id)
    check_version(section, versions)
    title = f"Section {section.name} of {project.key}"
    discard(collect(section), kind="section", obj=section, title=title, project=project, actor=actor, now=now)
    _publish_change(project, actor, section_id, [section.name], [])


def require_room(project: Project) -> None:
    """Raise Conflict if a project has no room for another section."""
    if selectors.list_sections(project).count() >= MAX_SECTIONS:
        raise Conflict(
            gettext("A project has at most %(max_sections)s sections.") % {"max_sections": MAX_SECTIONS},
            code="too_many",
        )


def _lock_project(actor: User, ref: str) -> Project:
    project = projects_selectors.lock_project(actor, ref)
    policies.require_editor(projects_selectors.project_role(actor, project))
    policies.require_not_archived(project)
    return project


def _publish_change(project: Project, actor: User, section_id: uuid.UUID, before: list[str], after: list[str]) -> None:
    """Publish the change and invalidate cached responses, since tasks show their section."""
    changes = {"sections": [before, after]}
    event = events.ProjectUpdated(project=project_payload(project), changes=changes, part_id=str(section_id))
    publish(event, actor=actor)
    invalidate_viewers(project)
