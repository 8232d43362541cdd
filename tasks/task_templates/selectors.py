from __future__ import annotations

import uuid

from django.db.models import QuerySet
from django.db.models.functions import Lower
from django.utils.translation import gettext

from core.errors import NotFound
from tasks.models import Project, TaskTemplate


def list_templates(project: Project) -> QuerySet[TaskTemplate]:
    """Return the task templates of a project by name."""
    return TaskTemplate.objects.filter(project=project).order_by(Lower("name"), "pk")


def get_template(project: Project, template_id: uuid.UUID) -> TaskTemplate:
    """Return one task template of a project. Raises NotFound."""
    template = TaskTemplate.objects.filter(project=project, pk=template_id).first()
    if template is None:
        raise NotFound(gettext("There is no such template."))
    return template
