"""A task's line as the API shows it: what TaskOut and TaskRow declare, without going through them.

A serializer spends 0.4 ms on a task, this 5 us; a test holds the two together.
"""

from __future__ import annotations

from typing import Any

from tasks.items.serializers import TaskOut
from tasks.items.task_columns import TaskColumns
from tasks.models.task import PRIORITY_NAMES


def to_json(line: TaskColumns, *, include_description: bool) -> dict[str, Any]:
    row: dict[str, Any] = {
        "id": line.id,
        "key": f"{line.project_key}-{line.number}",
        "number": line.number,
        "project": {"id": line.project_id, "key": line.project_key, "name": line.project_name},
        "title": line.title,
        "description": line.description,
        "status": line.status,
        "category": line.category,
        "priority": PRIORITY_NAMES[line.priority],
        "start_date": line.start_date,
        "due_date": line.due_date,
        "due_at": line.due_at,
        "estimate": line.estimate,
        "parent": _parent(line),
        "creator": {
            "id": line.creator_id,
            "name": line.creator_name,
            "handle": line.creator_handle,
            "role": line.creator_role,
        },
        "assignees": [_user(*words) for words in line.assignee_rows],
        "labels": sorted(line.label_names),
        "position": line.position,
        "version": line.version,
        "created_at": line.created_at,
        "updated_at": line.updated_at,
        "started_at": line.started_at,
        "closed_at": line.closed_at,
    }
    if not include_description:
        del row["description"]
    return row


def _user(key: str, name: str, handle: str, role: str) -> dict[str, str]:
    return {"id": key, "name": name, "handle": handle, "role": role}


def _parent(line: TaskColumns) -> dict[str, Any] | None:
    if line.parent_id is None:
        return None
    return {"id": line.parent_id, "key": f"{line.parent_key}-{line.parent_number}", "title": line.parent_title}


def field_names(*, include_description: bool) -> list[str]:
    return [name for name in TaskOut.Meta.fields if include_description or name != "description"]
