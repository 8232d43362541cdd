from __future__ import annotations

import uuid
from typing import Any

from django.db.models import Max, QuerySet
from django.utils.translation import gettext

from core.errors import Invalid, NotFound
from tasks.models import Project, Section


def list_sections(project: Project) -> QuerySet[Section]:
    """Return the sections of a project in their order."""
    return Section.objects.filter(project=project).order_by("position", "pk")


def next_position(project: Project) -> int:
    """Return the position behind all sections of a project; deletions leave gaps."""
    last: int | None = Section.objects.filter(project=project).aggregate(last=Max("position"))["last"]
    return 0 if last is None else last + 1


def get_section(project: Project, section_id: uuid.UUID) -> Section:
    """Return one section of a project. Raises NotFound."""
    section = Section.objects.filter(project=project, pk=section_id).first()
    if section is None:
        raise NotFound(gettext("There is no such section."))
    return section


def require_sections(project: Project, section_ids: set[Any]) -> None:
    """Raise Invalid unless all of these are sections of the project."""
    if section_ids and Section.objects.filter(project=project, pk__in=section_ids).count() != len(section_ids):
        raise Invalid.field("section", gettext("There is no such section in this project."), "does_not_exist")
