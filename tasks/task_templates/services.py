"""Writes of task templates, and of tasks made from them."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils.translation import gettext

from accounts.models import User
from core.errors import Conflict, Invalid
from core.etags import check_version
from events.outbox import publish
from tasks import events, policies
from tasks.custom_fields import selectors as custom_fields_selectors
from tasks.events import project_payload
from tasks.items import selectors as items_selectors
from tasks.items import services as items
from tasks.models import ChecklistItem, Project, Task, TaskTemplate
from tasks.projects import selectors as projects_selectors
from tasks.task_templates import selectors
from tasks.task_templates.content import content_of, drafts_of
from tasks.trash.storage import collect, discard

# Of one project: a page lists them all.
MAX_TEMPLATES = 100


@transaction.atomic
def create(*, actor: User, ref: str, name: str, task: str = "", content: dict[str, Any] | None = None) -> TaskTemplate:
    """Save a template with this content, or that of a task of the project.

    Raises NotFound, NotAllowed, Invalid, Conflict.
    """
    project = _lock_project(actor, ref)
    if (content is None) == (not task):
        raise Invalid.field("content", gettext("Send either the content or a task."), "required")
    if content is None:
        source = items_selectors.get_task(actor, task)
        if source.project_id != project.pk:
            raise Invalid.field("task", gettext("There is no such task in this project."), "does_not_exist")
        content = content_of(source, zone=actor.time_zone)
    require_room(project)
    with _unique_name():
        template = TaskTemplate.objects.create(project=project, name=name.strip(), content=content)
    _publish_change(project, actor, template.pk, [], [template.name])
    return template


@transaction.atomic
def update(
    *, actor: User, ref: str, template_id: uuid.UUID, changes: dict[str, Any], versions: frozenset[int] | None = None
) -> TaskTemplate:
    """Change the name or the content of a template. Raises NotFound, NotAllowed, Invalid, Conflict, VersionConflict."""
    project = _lock_project(actor, ref)
    template = selectors.get_template(project, template_id)
    if "content" in changes:
        # A merge patch: what is not sent stays, and lists are replaced as a whole.
        content = {**template.content, **changes["content"]}
        if any("title" not in row for row in content.get("subtasks", [])):
            raise Invalid.field("content.subtasks", gettext("Each subtask needs a title."), "required")
        changes = {**changes, "content": content}
    check_version(template, versions, changes)
    changes = {name: value for name, value in changes.items() if getattr(template, name) != value}
    if not changes:
        return template
    before = template.name
    with _unique_name():
        TaskTemplate.objects.filter(pk=template.pk).update(**changes, version=F("version") + 1)
    template.refresh_from_db()
    _publish_change(project, actor, template.pk, [before], [template.name])
    return template


@transaction.atomic
def delete(
    *, actor: User, ref: str, template_id: uuid.UUID, now: datetime, versions: frozenset[int] | None = None
) -> None:
    """Move a template to the trash; tasks made from it stay. Raises NotFound, NotAllowed, Conflict, VersionConflict."""
    project = _lock_project(actor, ref)
    template = selectors.get_template(project, template_id)
    check_version(template, versions)
    title = f"Template {template.name} of {project.key}"
    discard(collect(template), kind="task_template", obj=template, title=title, project=project, actor=actor, now=now)
    _publish_change(project, actor, template_id, [template.name], [])


@transaction.atomic
def create_task(*, actor: User, ref: str, template_id: uuid.UUID, now: datetime, title: str = "") -> Task:
    """Create a task from a template, with its checklist and subtasks. Raises NotFound, NotAllowed, Invalid, Conflict."""
    project = projects_selectors.get_project(actor, ref)
    template = selectors.get_template(project, template_id)
    keys = {item.field.key for item in custom_fields_selectors.list_project_fields(project.pk)}
    today = now.astimezone(ZoneInfo(actor.time_zone)).date()
    drafts = drafts_of(template.content, title=title, today=today, field_keys=keys)
    task = items.create_many(actor=actor, project_ref=str(project.pk), drafts=drafts, now=now)[0]
    ChecklistItem.objects.bulk_create(
        ChecklistItem(task=task, text=text, position=position, created_at=now)
        for position, text in enumerate(template.content.get("checklist", []))
    )
    return task


def require_room(project: Project) -> None:
    """Raise Conflict if a project has no room for another template."""
    if selectors.list_templates(project).count() >= MAX_TEMPLATES:
        raise Conflict(
            gettext("A project has at most %(max_templates)s templates.") % {"max_templates": MAX_TEMPLATES},
            code="too_many",
        )


@contextmanager
def _unique_name() -> Iterator[None]:
    try:
        # A savepoint: after an IntegrityError PostgreSQL refuses everything else in the transaction.
        with transaction.atomic():
            yield
    except IntegrityError as error:
        raise Invalid.field("name", gettext("The project has a template of this name already."), "taken") from error


def _lock_project(actor: User, ref: str) -> Project:
    project = projects_selectors.lock_project(actor, ref)
    policies.require_editor(projects_selectors.project_role(actor, project))
    policies.require_not_archived(project)
    return project


def _publish_change(project: Project, actor: User, template_id: uuid.UUID, before: list[str], after: list[str]) -> None:
    payload, changes = project_payload(project), {"task_templates": [before, after]}
    publish(events.ProjectUpdated(project=payload, changes=changes, part_id=str(template_id)), actor=actor)
