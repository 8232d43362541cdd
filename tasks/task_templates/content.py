"""Content of a template: the values of a task, with days counted from the day on which it is used."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from tasks.custom_fields import selectors as custom_fields_selectors
from tasks.items.drafts import TaskDraft
from tasks.models import Task

MAX_SUBTASKS = 50
MAX_DAYS = 3650


def content_of(task: Task, *, zone: str) -> dict[str, Any]:
    """Return a task as a template keeps it: checklist and one level of subtasks included."""
    subtasks = Task.objects.filter(parent=task, project=task.project_id).prefetch_related("labels")
    values = custom_fields_selectors.values_by_key(custom_fields_selectors.list_task_fields(task))
    return {
        **_plain(task, zone),
        "fields": {key: value for key, value in values.items() if value is not None},
        "checklist": list(task.checklist.order_by("position").values_list("text", flat=True)),
        "subtasks": [_plain(subtask, zone) for subtask in subtasks.order_by("position")[:MAX_SUBTASKS]],
    }


def _plain(task: Task, zone: str) -> dict[str, Any]:
    created = task.created_at.astimezone(ZoneInfo(zone)).date()
    due = task.due_at.astimezone(ZoneInfo(zone)).date() if task.due_at else task.due_date
    return {
        "title": task.title,
        "description": task.description,
        "priority": task.priority,
        "estimate": task.estimate,
        "labels": sorted(label.name for label in task.labels.all()),
        "start_in_days": _days(created, task.start_date),
        "due_in_days": _days(created, due),
    }


def _days(begin: date, day: date | None) -> int | None:
    return None if day is None else min(max((day - begin).days, 0), MAX_DAYS)


def drafts_of(content: Mapping[str, Any], *, title: str, today: date, field_keys: set[str]) -> list[TaskDraft]:
    """Return the new task and its subtasks, without values of fields that are gone."""
    fields = {key: value for key, value in content.get("fields", {}).items() if key in field_keys}
    first = _draft({**content, "title": title or content["title"]}, today, fields=fields)
    return [first, *(_draft(row, today, parent=first.id) for row in content.get("subtasks", []))]


def _draft(row: Mapping[str, Any], today: date, **values: Any) -> TaskDraft:
    start, due = (row.get(f"{name}_in_days") for name in ("start", "due"))
    return TaskDraft(
        title=row["title"],
        description=row.get("description", ""),
        priority=row.get("priority", 0),
        estimate=row.get("estimate"),
        labels=row.get("labels", ()),
        start_date=None if start is None else today + timedelta(start),
        due_date=None if due is None else today + timedelta(due),
        **values,
    )
