"""The outbox: an event becomes a row in the caller's transaction; the relay is notified after the commit."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, ClassVar, Protocol, dataclass_transform

import structlog
from django.db import transaction
from django.utils import timezone
from redis.exceptions import RedisError

from core import redis
from core.sql_templates import insert_all
from events.models import Event

RELAY_CHANNEL = "taskflow:events:notify"
log = structlog.get_logger(__name__)


@dataclass_transform(kw_only_default=True, frozen_default=True)
class DomainEvent:
    """Base of domain events: frozen dataclasses of plain values, named in the past tense.

    `name` is the name on the wire. `subject_type` is also the field with the payload of the subject, which has an id:

        class TaskEvent(DomainEvent, subject_type="task"):
            task: dict[str, Any]

        class TaskAssigned(TaskEvent, name="task.assigned"):
            assignee_id: str
    """

    name: ClassVar[str]
    version: ClassVar[int] = 1
    subject_type: ClassVar[str]
    __dataclass_fields__: ClassVar[dict[str, Any]]

    def __init_subclass__(cls, **class_attributes: Any) -> None:
        super().__init_subclass__()
        for attribute, value in class_attributes.items():
            setattr(cls, attribute, value)
        dataclass(frozen=True, kw_only=True)(cls)

    @property
    def subject_id(self) -> uuid.UUID:
        return uuid.UUID(getattr(self, self.subject_type)["id"])


class Actor(Protocol):
    @property
    def pk(self) -> Any: ...

    @property
    def name(self) -> str: ...


def publish(event: DomainEvent, *, actor: Actor | None, at: datetime | None = None) -> Event:
    """Record one event. Must be called inside a transaction."""
    return publish_all([event], actor=actor, at=at)[0]


def publish_all(events: Iterable[DomainEvent], *, actor: Actor | None, at: datetime | None = None) -> list[Event]:
    """Record events in their order. They are delivered only if the caller's transaction commits."""
    # In autocommit mode a crash between the change and its event would lose the event.
    if not transaction.get_connection().in_atomic_block:
        raise RuntimeError("publish() belongs inside a service's transaction")
    rows = [build_event(event, actor=actor, at=at or timezone.now()) for event in events]
    if rows:
        insert_all(Event, rows)
        # After the commit, when the relay can see the row. robust: the event is stored, so a failed notification is no
        # error of the caller.
        transaction.on_commit(notify_relay, robust=True)
    return rows


def build_event(event: DomainEvent, *, actor: Actor | None, at: datetime) -> Event:
    """Return the row of an event, not saved yet."""
    payload = {field.name: getattr(event, field.name) for field in fields(event)}
    # A copy of the name, because consumers may not query the user, who may be gone by then.
    payload["actor"] = {"id": str(actor.pk), "name": actor.name} if actor else None
    return Event(
        name=event.name,
        version=event.version,
        actor_id=actor.pk if actor else None,
        subject_type=event.subject_type,
        subject_id=event.subject_id,
        payload=payload,
        occurred_at=at,
    )


def notify_relay() -> None:
    """Wake the relay. It polls anyway, so without Redis an event waits for the next poll and nothing else happens."""
    try:
        # The message is empty: what is to be done stands in the database, so a lost or repeated one does no harm.
        redis.client().publish(RELAY_CHANNEL, b"1")
    except RedisError:
        log.warning("relay_notification_failed")
