"""What people are told when a fact is delivered. Told twice, or late, a fact tells nobody anything new."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

from django.db import transaction

from events.models import Event
from notifications import jobs, services
from notifications.kinds import Kind


def task_assigned(event: Event) -> None:
    _tell(event, Kind.ASSIGNED, [event.payload["assignee_id"]])


def task_commented(event: Event) -> None:
    mentioned = set(event.payload["mentioned_ids"])
    _tell(event, Kind.MENTIONED, mentioned)
    _tell(event, Kind.COMMENTED, set(event.payload["audience_ids"]) - mentioned)


def task_due_soon(event: Event) -> None:
    task = event.payload["task"]
    _tell(event, Kind.DUE_SOON, task["assignee_ids"] or [task["creator_id"]])


def _tell(event: Event, kind: Kind, user_ids: Iterable[str]) -> None:
    emails = services.tell(event=event, kind=kind, user_ids=user_ids)
    if emails:
        transaction.on_commit(partial(jobs.hand_over, emails), robust=True)
