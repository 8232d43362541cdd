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

ERASED = "user.erased"
BATCH = 1000
# What says who somebody is, or from where they came, under whichever name a fact keeps it.
PERSONAL = frozenset({"name", "email", "handle", "address", "device", "user_agent", "used_from"})


@transaction.atomic
def redact(person_id: uuid.UUID, *, now: datetime) -> int:
    """Take this person's name, addresses and devices out of all facts by or about them; returns how many changed."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM events_loghead FOR UPDATE")  # the relay hashes what it has read
    count = 0
    for event in _by_or_about(person_id):
        payload = _redacted(event, person_id)
        if payload != event.payload:
            redacted_at = now if event.position is not None else None
            Event.objects.filter(pk=event.pk).update(payload=payload, redacted_at=redacted_at)
            count += 1
    return count


def _by_or_about(person_id: uuid.UUID) -> Iterator[Event]:
    last = 0
    mine = Event.objects.filter(Q(subject_id=person_id) | Q(actor_id=person_id)).order_by("pk")
    while batch := list(mine.filter(pk__gt=last)[:BATCH]):
        yield from batch
        last = batch[-1].pk


def _redacted(event: Event, person_id: uuid.UUID) -> dict[str, Any]:
    """A fact about the person is theirs as a whole, but for the name of who acted; of any other, what has their id."""
    about = event.subject_id == person_id
    return {
        key: _without(value, str(person_id), all_of_it=about and key != "actor") for key, value in event.payload.items()
    }


def _without(value: Any, person: str, *, all_of_it: bool) -> Any:
    if isinstance(value, list):
        return [_without(one, person, all_of_it=all_of_it) for one in value]
    if not isinstance(value, dict):
        return value
    theirs = all_of_it or value.get("id") == person
    return {
        key: _blank(inner) if theirs and key in PERSONAL else _without(inner, person, all_of_it=all_of_it)
        for key, inner in value.items()
    }


def _blank(value: Any) -> Any:
    """Text becomes empty; a change, which is a pair, becomes a pair of nothing."""
    if isinstance(value, list):
        return [_blank(one) for one in value]
    return "" if isinstance(value, str) else value
