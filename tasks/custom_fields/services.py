"""Writes of the values that tasks have in custom fields."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext

from accounts.models import User
from core.errors import FieldError, Invalid, NotAllowed
from core.etags import check_version
from core.sql_templates import update_columns
from events.outbox import publish
from tasks import events, policies
from tasks.cache import invalidate_viewers
from tasks.custom_fields import selectors
from tasks.custom_fields.values import TaskField, TaskValues, parse_value, value_rows
from tasks.items import selectors as items_selectors
from tasks.models import CustomFieldValue, FieldKind, Project, ProjectMember, Task


@transaction.atomic
def update_values(
    *, actor: User, ref: str, fields: Mapping[str, Any], now: datetime, versions: frozenset[int] | None = None
) -> TaskValues:
    """Set the given values of a task and no others; null clears one. A change is a new version of the task.

    Raises NotFound, NotAllowed, Conflict, Invalid, VersionConflict.
    """
    locked = items_selectors.lock_task(actor, ref)
    task = locked.task
    policies.require_editor(locked.role)
    if not policies.can_edit(locked.project_role):
        raise NotAllowed(gettext("Only editors of the project may change a task's custom fields."))
    policies.require_not_archived(task.project)
    task_fields = selectors.list_task_fields(task)
    by_key = _require_known(task_fields, fields)
    before = selectors.values_by_key(task_fields)
    after = before | {key: parse_value(by_key[key], value) for key, value in fields.items()}
    check_version(task, versions, {key: after[key] for key in fields}, current=before)

    changed = [key for key in fields if before[key] != after[key]]
    for key in changed:
        if by_key[key].field.required and after[key] is None:
            name = by_key[key].field.name
            raise Invalid.field(
                f"fields.{key}", gettext("%(name)s is required, so it cannot be cleared.") % {"name": name}, "required"
            )
    if not changed:
        return TaskValues(before, task.version)
    _require_members(task.project, [by_key[key] for key in changed], after)
    CustomFieldValue.objects.filter(task=task, field__in=[by_key[key].field.pk for key in changed]).delete()
    rows = [row for key in changed for row in value_rows(task.pk, by_key[key], after[key])]
    CustomFieldValue.objects.bulk_create(rows)
    task.version, task.updated_at = task.version + 1, now
    update_columns(task, {"version": task.version, "updated_at": now})
    changes = {f"field.{key}": [before[key], after[key]] for key in changed}
    publish(events.TaskUpdated(task=locked.payload(), changes=changes), actor=actor, at=now)
    invalidate_viewers(task.project)
    return TaskValues(after, task.version)


def insert_initial_values(project: Project, values: Mapping[uuid.UUID, Mapping[str, Any] | None]) -> None:
    """Store the values of new tasks by their ids, with the defaults of other fields.

    Required fields must be given, or have a default, where values are given at all: None is a task that no user fills
    in, like an imported one. Raises Invalid.
    """
    task_fields = selectors.list_project_fields(project.pk)
    rows: list[CustomFieldValue] = []
    for task_id, data in values.items():
        by_key = _require_known(task_fields, data or {})
        parsed = {item.field.key: item.field.default for item in task_fields if item.field.default is not None}
        parsed |= {key: parse_value(by_key[key], value) for key, value in (data or {}).items()}
        missing = [item.field for item in task_fields if item.field.required and parsed.get(item.field.key) is None]
        if missing and data is not None:
            errors = [
                FieldError(f"fields.{field.key}", "required", gettext("%(name)s is required.") % {"name": field.name})
                for field in missing
            ]
            raise Invalid(errors[0].message, fields=errors)
        _require_members(project, [by_key[key] for key in data or {}], parsed)
        rows += [row for item in task_fields for row in value_rows(task_id, item, parsed.get(item.field.key))]
    CustomFieldValue.objects.bulk_create(rows, batch_size=500)


def copy_values(from_task: Task, to_task: Task) -> None:
    """Copy the values of a task to another, where its project has the fields."""
    keep = {item.field.pk for item in selectors.list_project_fields(to_task.project_id)}
    rows = list(CustomFieldValue.objects.filter(task=from_task, field__in=keep))
    columns = ("field_id", "kind", "text", "number", "date", "option_id", "user_id", "checked")
    copies = [CustomFieldValue(task=to_task, **{name: getattr(row, name) for name in columns}) for row in rows]
    CustomFieldValue.objects.filter(task=to_task, field__in=keep).delete()
    CustomFieldValue.objects.bulk_create(copies)


def _require_known(task_fields: Sequence[TaskField], keys: Iterable[str]) -> dict[str, TaskField]:
    """Return the fields by their keys. Raises Invalid for a key that none of them has."""
    by_key = {item.field.key: item for item in task_fields}
    if unknown := sorted(set(keys) - by_key.keys()):
        known = gettext("It has: %(by_key)s.") % {"by_key": ", ".join(by_key)} if by_key else gettext("It has none.")
        raise Invalid.field(
            f"fields.{unknown[0][:40]}",
            gettext("The project has no such field. %(known)s") % {"known": known},
            "unknown",
        )
    return by_key


def _require_members(project: Project, changed: Iterable[TaskField], values: Mapping[str, Any]) -> None:
    """Check that the people newly in person fields are active members of the project. Raises Invalid."""
    people = {
        item.field.key: values[item.field.key]
        for item in changed
        if item.field.kind == FieldKind.USER and values.get(item.field.key)
    }
    if not people:
        return
    members = ProjectMember.objects.filter(project=project, user__in=set(people.values()), user__is_active=True)
    ids = {str(user_id) for user_id in members.values_list("user_id", flat=True)}
    for key, user_id in people.items():
        if user_id not in ids:
            raise Invalid.field(f"fields.{key}", gettext("Only members of the project can be chosen."), "not_a_member")
