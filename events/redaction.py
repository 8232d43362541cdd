"""Redaction: personal data of an erased user are removed from the event log.

The log keeps what was done and by which id. The chain stays whole: a redacted event keeps its hash, so the next one
still follows from it. What it says now can no longer be checked, which `first_invalid_position` allows for events by or
about a user whose `user.erased` is part of the log itself, and for no others.
"""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django.db.models import Q

from events.models import Event

USER_ERASED = "user.erased"
BATCH_SIZE = 1000
# The keys of a payload that identify a user or the place a request came from.
PERSONAL_FIELDS = frozenset({"name", "email", "handle", "address", "device", "user_agent", "used_from"})


@transaction.atomic
def redact(user_id: uuid.UUID, *, now: datetime) -> int:
    """Remove the user's names, addresses and devices from all events by or about them; return how many changed."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM events_loghead FOR UPDATE")  # the relay hashes what it has read
    count, last_id = 0, 0
    events = Event.objects.filter(Q(subject_id=user_id) | Q(actor_id=user_id)).order_by("pk")
    # In batches, because an active user has more events than should be in memory at once.
    while batch := list(events.filter(pk__gt=last_id)[:BATCH_SIZE]):
        for event in batch:
            is_subject = event.subject_id == user_id
            # The actor of an event about the user is another one, unless the id says otherwise.
            payload = {
                key: _redact(value, str(user_id), whole=is_subject and key != "actor")
                for key, value in event.payload.items()
            }
            if payload != event.payload:
                # An event that the relay has not appended yet gets its hash later, from the redacted payload.
                redacted_at = now if event.position is not None else None
                Event.objects.filter(pk=event.pk).update(payload=payload, redacted_at=redacted_at)
                count += 1
        last_id = batch[-1].pk
    return count


def _redact(value: Any, user_id: str, *, whole: bool) -> Any:
    """Return a part of a payload without personal fields: of all objects if `whole`, else of those with the user's id."""
    if isinstance(value, list):
        return [_redact(item, user_id, whole=whole) for item in value]
    if not isinstance(value, dict):
        return value
    is_personal = whole or value.get("id") == user_id
    return {
        key: _blank(inner) if is_personal and key in PERSONAL_FIELDS else _redact(inner, user_id, whole=whole)
        for key, inner in value.items()
    }


def _blank(value: Any) -> Any:
    """Return empty text; for a change, which is a pair of old and new, a pair of empty texts."""
    if isinstance(value, list):
        return [_blank(item) for item in value]
    return "" if isinstance(value, str) else value
