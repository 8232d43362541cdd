"""Forgetting a person: the log keeps what was done and by which id, and names nobody any more.

The chain stays whole. A redacted fact keeps the hash it was given, so the next one still follows from it; what it says
now can no longer be checked, which `broken_link` allows for facts by or about somebody whose `user.erased` is part of
the log itself, and for no others.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django.db.models import Q

from events.models import Event

USER_ERASED = "user.erased"
BATCH_SIZE = 1000
# What says who somebody is, or from where they came, under whichever name a fact keeps it.
PERSONAL_FIELDS = frozenset({"name", "email", "handle", "address", "device", "user_agent", "used_from"})


@transaction.atomic
def redact(user_id: uuid.UUID, *, now: datetime) -> int:
    """Take this person's name, addresses and devices out of all facts by or about them; returns how many changed."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM events_loghead FOR UPDATE")  # the relay hashes what it has read
    count = 0
    for event in _events_of_user(user_id):
        payload = _redact_payload(event, user_id)
        if payload != event.payload:
            redacted_at = now if event.position is not None else None
            Event.objects.filter(pk=event.pk).update(payload=payload, redacted_at=redacted_at)
            count += 1
    return count


def _events_of_user(user_id: uuid.UUID) -> Iterator[Event]:
    last = 0
    mine = Event.objects.filter(Q(subject_id=user_id) | Q(actor_id=user_id)).order_by("pk")
    while batch := list(mine.filter(pk__gt=last)[:BATCH_SIZE]):
        yield from batch
        last = batch[-1].pk


def _redact_payload(event: Event, user_id: uuid.UUID) -> dict[str, Any]:
    """A fact about the person is theirs as a whole, but for the name of who acted; of any other, what has their id."""
    about = event.subject_id == user_id
    return {
        key: _strip_personal(value, str(user_id), all_of_it=about and key != "actor")
        for key, value in event.payload.items()
    }


def _strip_personal(value: Any, user: str, *, all_of_it: bool) -> Any:
    if isinstance(value, list):
        return [_strip_personal(one, user, all_of_it=all_of_it) for one in value]
    if not isinstance(value, dict):
        return value
    theirs = all_of_it or value.get("id") == user
    return {
        key: _blank_value(inner)
        if theirs and key in PERSONAL_FIELDS
        else _strip_personal(inner, user, all_of_it=all_of_it)
        for key, inner in value.items()
    }


def _blank_value(value: Any) -> Any:
    """Text becomes empty; a change, which is a pair, becomes a pair of nothing."""
    if isinstance(value, list):
        return [_blank_value(one) for one in value]
    return "" if isinstance(value, str) else value
