"""Erasure of a user from the trash: stored rows follow the same rules as rows that are not deleted."""

from __future__ import annotations

import json
import uuid
from typing import Any

from django.apps import apps
from django.db import connection
from django.db.models import CASCADE, SET_NULL, ForeignKey

from accounts.models import User
from tasks.models import TaskShare, TrashEntry
from tasks.models.trash import model_label

# The time counts still, as in the table; the words are the user's own.
CLEAR_NOTES_SQL = """
UPDATE tasks_trashentry SET rows = jsonb_set(rows, '{tasks.TimeEntry}', (
    SELECT jsonb_agg(CASE WHEN stored ->> 'user_id' = %(user)s THEN stored || '{"note": ""}' ELSE stored END)
    FROM jsonb_array_elements(rows -> 'tasks.TimeEntry') AS stored
)) WHERE rows @> %(pattern)s::jsonb
"""


def erase_user(user_id: uuid.UUID) -> None:
    """Remove a user from all stored rows, as a deletion of the user's row would."""
    TrashEntry.objects.filter(deleted_by=user_id).update(deleted_by=None)
    for model in apps.get_models(include_auto_created=True):
        for field in model._meta.concrete_fields:
            if isinstance(field, ForeignKey) and field.related_model is User:
                _erase_column(model._meta.label, field.column, str(user_id), field.remote_field.on_delete)
    with connection.cursor() as cursor:
        pattern = json.dumps({"tasks.TimeEntry": [{"user_id": str(user_id)}]})
        cursor.execute(CLEAR_NOTES_SQL, {"user": str(user_id), "pattern": pattern})
    # What was the user's own has no row of itself any more.
    for kind in TrashEntry.Kind.values:
        TrashEntry.objects.filter(kind=kind, **{f"rows__{model_label(kind)}": []}).delete()


def remove_shares(project_id: uuid.UUID, user_id: uuid.UUID) -> None:
    """Remove a user's shares from the deleted tasks of a project: a restoration gives no access back."""
    column = TaskShare._meta.get_field("user").column
    _erase_column(TaskShare._meta.label, column, str(user_id), CASCADE, project_id=project_id)


def _erase_column(
    label: str, column: str, user_id: str, on_delete: object, *, project_id: uuid.UUID | None = None
) -> None:
    if on_delete is CASCADE:
        rows, condition = "stored", "WHERE stored ->> %(column)s IS DISTINCT FROM %(user)s"
    elif on_delete is SET_NULL:
        rows = "CASE WHEN stored ->> %(column)s = %(user)s THEN stored || %(null)s::jsonb ELSE stored END"
        condition = ""
    else:  # PROTECT: the user's row stays, without a name
        return
    sql = (
        "UPDATE tasks_trashentry SET rows = jsonb_set(rows, ARRAY[%(label)s], "  # noqa: S608 -- the constants above
        f"(SELECT coalesce(jsonb_agg({rows}), '[]') FROM jsonb_array_elements(rows -> %(label)s) AS stored {condition})"
        ") WHERE rows @> %(pattern)s::jsonb AND (%(project)s::uuid IS NULL OR project_id = %(project)s)"
    )
    values: dict[str, Any] = {"label": label, "column": column, "user": user_id, "project": project_id}
    patterns = {"null": json.dumps({column: None}), "pattern": json.dumps({label: [{column: user_id}]})}
    with connection.cursor() as cursor:
        cursor.execute(sql, {**values, **patterns})
