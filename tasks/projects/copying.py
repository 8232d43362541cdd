"""Settings of one project for another: statuses, labels, sections, custom fields, task templates."""

from __future__ import annotations

from typing import Any

from core.db import uuid7
from tasks.models import (
    CustomField,
    CustomFieldOption,
    Label,
    Project,
    ProjectField,
    Section,
    State,
    TaskTemplate,
)


def copy_settings(source: Project, target: Project) -> None:
    """Give a new project the settings of another in place of the default ones; neither tasks nor people."""
    Project.objects.filter(pk=target.pk).update(wip_policy=source.wip_policy)
    target.wip_policy = source.wip_policy
    State.objects.filter(project=target).delete()
    models: tuple[Any, ...] = (State, Label, Section, TaskTemplate)
    for model in models:
        rows = list(model.objects.filter(project=source))
        for row in rows:
            row.pk, row.project, row.version = uuid7(), target, 1
        model.objects.bulk_create(rows)
    for place in ProjectField.objects.filter(project=source, field__archived_at=None).select_related("field"):
        field: CustomField = place.field
        if field.project_id:  # a shared field is the same one there
            options = list(CustomFieldOption.objects.filter(field=field))
            field.pk, field.project, field.version = uuid7(), target, 1
            field.save(force_insert=True)
            for option in options:
                option.pk, option.field = uuid7(), field
            CustomFieldOption.objects.bulk_create(options)
        ProjectField.objects.create(project=target, field=field, key=place.key, position=place.position)
