"""Factories of task events, notifications and emails."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from accounts.models import User
from core.db import uuid7
from events.models import Event
from notifications.kinds import Kind
from notifications.models import Notification, OutgoingEmail
from tasks.events import task_payload
from tasks.models import Task
from tasks.tests.factories import TaskFactory

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def make_event(name: str, task: Task, *, actor: User | None, assignees: tuple[User, ...] = (), **payload: Any) -> Event:
    """Insert an event about the task; users in the payload become their ids."""
    return Event.objects.create(
        name=name,
        actor_id=actor.pk if actor else None,
        subject_type="task",
        subject_id=task.pk,
        payload={
            "task": task_payload(task, assignee_ids=[user.pk for user in assignees], labels=[]),
            "actor": {"id": str(actor.pk), "name": actor.name} if actor else None,
            **{name: _to_json(value) for name, value in payload.items()},
        },
        occurred_at=NOW,
    )


def _to_json(value: Any) -> Any:
    if isinstance(value, list):
        return [_to_json(item) for item in value]
    return str(value.pk) if isinstance(value, User) else value


def make_notification(recipient: User, **fields: Any) -> Notification:
    defaults: dict[str, Any] = {
        "kind": Kind.ASSIGNED,
        "title": "Alice assigned OPS-42 to you",
        "url": "/tasks/OPS-42/",
        "actor_name": "Alice",
        "task_id": UUID(int=42),
        "task_key": "OPS-42",
        "task_title": "Fix the printer",
        "project_id": UUID(int=7),
        "project_name": "Operations",
        "event_id": uuid7().int % 2**62,
        "created_at": NOW,
    }
    return Notification.objects.create(recipient=recipient, **(defaults | fields))


def make_email(recipient: User, *, notification: dict[str, Any] | None = None, **fields: Any) -> OutgoingEmail:
    """Insert a queued email; without a target it is about a task in a project of the recipient."""
    fields_of_notification = dict(notification or {})
    if not {"task_id", "project_id", "team_id"} & fields_of_notification.keys():
        fields_of_notification["task_id"] = TaskFactory(project__owner=recipient).pk
    created = make_notification(recipient, **fields_of_notification)
    defaults = {
        "to": recipient.email,
        "message_id": f"<{created.event_id}@taskflow.localhost>",
        "next_attempt_at": NOW,
    }
    return OutgoingEmail.objects.create(notification=created, **(defaults | fields))
