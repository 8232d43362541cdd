"""The outbox: an event becomes a row in the caller's transaction; the relay is notified after the commit."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Iterable
from contextvars import ContextVar
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, ClassVar, Protocol, dataclass_transform

import orjson
import structlog
from django.db import transaction
from redis.exceptions import RedisError

from core import redis
from core.clock import current_time
from core.sql_templates import insert_all
from events.models import Event

# A task's whole state and the names of a few hundred users take some 50 kB.
MAX_PAYLOAD_BYTES = 1024 * 1024
MAX_NUMBER = 2**63
# NUL, and floats with an exponent; text may look like them.
SUSPICIOUS = re.compile(rb"\\u0000|\de[+-]?\d+[,}\]]")
RELAY_CHANNEL = "taskflow:events:notify"
# What the current request has published, for its response; None outside of requests.
published_events: ContextVar[list[Event] | None] = ContextVar("published_events", default=None)
log = structlog.get_logger(__name__)


class UnsupportedPayload(ValueError):
    """A payload that the log cannot hold. Its event is not stored, and neither is the change it belongs to."""


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
    rows = [build_event(event, actor=actor, at=at or current_time()) for event in events]
    if rows:
        insert_all(Event, rows)
        # After the commit, when the relay can see the row. robust: the event is stored, so a failed notification is no
        # error of the caller.
        transaction.on_commit(notify_relay, robust=True)
    if (published := published_events.get()) is not None:
        published += rows
    return rows


def build_event(event: DomainEvent, *, actor: Actor | None, at: datetime) -> Event:
    """Return the row of an event, not saved yet.

    Raises UnsupportedPayload for what PostgreSQL cannot store or the relay cannot hash: a number beyond 64 bits, NaN or
    infinity, NUL, a lone surrogate, deep nesting or too many bytes.
    """
    payload = {field.name: getattr(event, field.name) for field in fields(event)}
    # A copy of the name, because consumers may not query the user, who may be gone by then.
    payload["actor"] = {"id": str(actor.pk), "name": actor.name} if actor else None
    try:
        json.dumps(payload, allow_nan=False)  # orjson writes NaN as null
        data = orjson.dumps(payload)
    except (TypeError, ValueError, RecursionError) as error:
        raise UnsupportedPayload(f"The payload of {event.name} cannot be stored: {error}") from error
    if len(data) > MAX_PAYLOAD_BYTES:
        raise UnsupportedPayload(f"The payload of {event.name} has {len(data):,} bytes, over {MAX_PAYLOAD_BYTES:,}.")
    if SUSPICIOUS.search(data) and (problem := _find_problem(payload)):
        raise UnsupportedPayload(f"The payload of {event.name} holds {problem}, which cannot be stored.")
    return Event(
        name=event.name,
        version=event.version,
        actor_id=actor.pk if actor else None,
        subject_type=event.subject_type,
        subject_id=event.subject_id,
        payload=payload,
        occurred_at=at,
    )


def _find_problem(value: Any) -> str:
    """Return what orjson accepts and PostgreSQL does not, or gives back as something else."""
    if isinstance(value, dict):
        return next(filter(None, map(_find_problem, (*value.keys(), *value.values()))), "")
    if isinstance(value, list | tuple):
        return next(filter(None, map(_find_problem, value)), "")
    if isinstance(value, str):
        return "a NUL character" if "\0" in value else ""
    # jsonb has no exponents: a large float comes back as an integer beyond 64 bits.
    return "a number out of range" if isinstance(value, float) and abs(value) >= MAX_NUMBER else ""


def notify_relay() -> None:
    """Wake the relay. It polls anyway, so without Redis an event waits for the next poll and nothing else happens."""
    try:
        # The message is empty: what is to be done stands in the database, so a lost or repeated one does no harm.
        with redis.optional_client() as client:
            client.publish(RELAY_CHANNEL, b"1")
    except RedisError:
        log.warning("relay_notification_failed")
