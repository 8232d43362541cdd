"""Restoration of the parts of a project: labels, sections, statuses, task templates, custom fields and their options."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.utils.translation import gettext

from accounts.models import User
from core.errors import Conflict
from events.outbox import publish
from tasks import events, policies
from tasks.cache import invalidate_viewers
from tasks.custom_fields import definitions
from tasks.events import project_payload
from tasks.models import (
    CustomField,
    CustomFieldOption,
    Label,
    Project,
    ProjectField,
    Section,
    State,
    Task,
    TaskTemplate,
    TrashEntry,
)
from tasks.projects import selectors as projects_selectors
from tasks.projects import states
from tasks.sections import selectors as sections_selectors
from tasks.sections import services as sections
from tasks.task_templates import services as task_templates
from tasks.trash import former_parents, selectors
from tasks.trash.reinsertion import reattach, reinsert, require_restored, root_row
from tasks.trash.restoration import Restoration


def restore_label(actor: User, entry: TrashEntry, now: datetime) -> Restoration:
    project = lock_editable_project(actor, entry)
    skipped = reinsert(entry)
    require_restored(entry, skipped)
    # Tasks that were moved to another project since have only labels of that one.
    Task.labels.through.objects.filter(label=entry.object_id).exclude(task__project=project).delete()
    reattach(entry)
    return _publish(entry, project, actor, now, skipped, {"labels": Label.objects.get(pk=entry.object_id).name})


def restore_section(actor: User, entry: TrashEntry, now: datetime) -> Restoration:
    """Restore a section behind those that stand there now."""
    project = lock_editable_project(actor, entry)
    sections.require_room(project)
    skipped = reinsert(entry, {"position": sections_selectors.next_position(project)})
    require_restored(entry, skipped)
    reattach(entry, excluded=former_parents.moved_away(entry, project))
    return _publish(entry, project, actor, now, skipped, {"sections": Section.objects.get(pk=entry.object_id).name})


def restore_task_template(actor: User, entry: TrashEntry, now: datetime) -> Restoration:
    project = lock_editable_project(actor, entry)
    task_templates.require_room(project)
    skipped = _reinsert(entry)
    name = TaskTemplate.objects.get(pk=entry.object_id).name
    return _publish(entry, project, actor, now, skipped, {"task_templates": name})


def restore_state(actor: User, entry: TrashEntry, now: datetime) -> Restoration:
    """Restore a status as the last one of the workflow."""
    project = _lock_managed_project(actor, entry)
    states.require_room(project)
    positions = State.objects.filter(project=project).order_by("-position").values_list("position", flat=True)
    skipped = _reinsert(entry, {"position": (positions.first() or 0) + 1})
    return _publish(entry, project, actor, now, skipped, {"states": State.objects.get(pk=entry.object_id).name})


def restore_custom_field(actor: User, entry: TrashEntry, now: datetime) -> Restoration:
    """Restore a field with its options and the values of the tasks that still exist."""
    project = None
    if root_row(entry)["project_id"]:
        project = _lock_managed_project(actor, entry)
    else:
        policies.require_administrator(actor, "Only administrators manage shared fields.")
    definitions.require_room(project)
    skipped = _reinsert(entry)
    # Reinserted without an error: another field may have its key.
    if project and not ProjectField.objects.filter(project=project, field=entry.object_id).exists():
        raise Conflict(gettext("The project has another field with this key. Delete that first."), code="taken")
    field = CustomField.objects.select_related("project").get(pk=entry.object_id)
    definitions.publish_change(field, actor, [], [field.name])
    return Restoration(entry.kind, entry.object_id, entry.title, project, skipped=skipped)


def restore_custom_field_option(actor: User, entry: TrashEntry, now: datetime) -> Restoration:
    """Restore an option as the last one of its field; tasks that have another option by now keep that."""
    field_id = root_row(entry)["field_id"]
    field = CustomField.objects.filter(pk=field_id).first()
    if field is None:
        raise Conflict(gettext("Its field was deleted. Restore the field first."), code="parent_deleted")
    if field.project_id:
        _lock_managed_project(actor, entry)
    field = definitions.lock_field(actor, field.pk)
    count = CustomFieldOption.objects.filter(field=field).count()
    if count >= definitions.MAX_OPTIONS:
        raise Conflict(
            gettext("A field has at most %(max_options)s options.") % {"max_options": definitions.MAX_OPTIONS},
            code="too_many",
        )
    skipped = _reinsert(entry, {"position": count})
    definitions.publish_change(field, actor, [field.name], [field.name])
    return Restoration(entry.kind, entry.object_id, entry.title, field.project, skipped=skipped)


def lock_editable_project(actor: User, entry: TrashEntry) -> Project:
    """Lock the project of an entry that the actor may edit. Raises Conflict, NotAllowed."""
    project = _lock_project(entry)
    policies.require_editor(projects_selectors.project_role(actor, project))
    policies.require_not_archived(project)
    return project


def _lock_managed_project(actor: User, entry: TrashEntry) -> Project:
    project = _lock_project(entry)
    policies.require_manager(projects_selectors.project_role(actor, project))
    policies.require_not_archived(project)
    return project


def _lock_project(entry: TrashEntry) -> Project:
    project = selectors.lock_project_of_entry(entry)
    if project is None:
        raise Conflict(gettext("Its project was deleted. Restore the project first."), code="parent_deleted")
    return project


def _reinsert(entry: TrashEntry, overrides: dict[str, Any] | None = None) -> dict[str, int]:
    skipped = reinsert(entry, overrides)
    require_restored(entry, skipped)
    reattach(entry)
    return skipped


def _publish(
    entry: TrashEntry, project: Project, actor: User, now: datetime, skipped: dict[str, int], names: dict[str, str]
) -> Restoration:
    changes: dict[str, list[Any]] = {field: [[], [name]] for field, name in names.items()}
    event = events.ProjectUpdated(project=project_payload(project), changes=changes, part_id=str(entry.object_id))
    publish(event, actor=actor, at=now)
    invalidate_viewers(project)
    return Restoration(entry.kind, entry.object_id, entry.title, project, skipped=skipped)
