"""Factories of task events as they are in the log, and ways to deliver them."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from django.db import transaction
from django.db.models import Max
from django.utils import timezone

from analytics import handlers
from events.models import Event

ALPHA, BETA = uuid.UUID(int=1), uuid.UUID(int=2)
ANA, BEN = uuid.UUID(int=11), uuid.UUID(int=12)
HANDLERS = {
    "task.created": handlers.task_created,
    "task.updated": handlers.task_updated,
    "task.deleted": handlers.task_deleted,
}


def at(day: str, time: str = "09:00") -> str:
    return f"{day}T{time}:00+00:00"


def task_payload(task: int = 1, *, people: Iterable[uuid.UUID] = (), **fields: Any) -> dict[str, Any]:
    """Return the `task` object of a payload, as far as statistics read it."""
    defaults: dict[str, Any] = {
        "id": str(uuid.UUID(int=task)),
        "project_id": str(ALPHA),
        "assignee_ids": [str(user) for user in people],
        "created_at": at("2026-03-02"),
        "started_at": None,
        "closed_at": None,
        "category": "todo",
        "due_date": None,
        "due_at": None,
        "priority": 0,
        "version": 1,
    }
    return defaults | fields


def done_task_payload(
    task: int = 1, *, closed: str = at("2026-03-04"), version: int = 2, **fields: Any
) -> dict[str, Any]:
    return task_payload(task, closed_at=closed, category="done", version=version, **fields)


def append_event(name: str, task: dict[str, Any]) -> Event:
    """Append an event to the log without delivering it."""
    end = Event.objects.aggregate(end=Max("position"))["end"] or 0
    return Event.objects.create(
        name=name,
        subject_type="task",
        subject_id=uuid.UUID(task["id"]),
        payload={"task": task, "actor": None},
        occurred_at=datetime.now(UTC),
        position=end + 1,
        hash="0" * 64,
    )


@transaction.atomic
def deliver(*events: Event) -> None:
    """Deliver events of one name in one transaction, as the worker does."""
    HANDLERS[events[0].name](events)


def publish_event(name: str, task: dict[str, Any]) -> Event:
    event = append_event(name, task)
    deliver(event)
    return event


def create_delivery(event: Event, consumer: str, state: str) -> None:
    event.deliveries.create(
        consumer=consumer,
        state=state,
        next_attempt_at=timezone.now(),
        finished_at=timezone.now() if state == "done" else None,
    )
