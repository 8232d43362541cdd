"""Reads of the event log."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from django.db.models import QuerySet

from events.hash_chain import chain_hash
from events.models import FIRST_HASH, Event, LogHead
from events.redaction import USER_ERASED


def events_about(subject_id: uuid.UUID, *, names: Sequence[str] = ()) -> QuerySet[Event]:
    """Return the events about one subject, unordered; `names` limits them to these kinds."""
    # Ids are UUIDs, so those of a task and a user cannot be equal, and the type is not needed.
    events = Event.objects.filter(subject_id=subject_id)
    return events.filter(name__in=names) if names else events


def first_invalid_position() -> int | None:
    """Return the first position whose hash does not follow from the one before; None for a valid log.

    The head is read first, so events that are appended meanwhile do not matter, and a missing end does.
    """
    head = LogHead.objects.filter(pk=1).first() or LogHead()
    erased = set(Event.objects.filter(name=USER_ERASED).values_list("subject_id", flat=True))
    previous, expected = FIRST_HASH, 1
    # A server-side cursor in chunks: the log does not fit into memory.
    for event in Event.objects.filter(position__lte=head.position).order_by("position").iterator(chunk_size=2000):
        if event.position != expected or not _is_valid_link(previous, event, erased):
            return expected
        previous, expected = event.hash, expected + 1
    return None if (expected, previous) == (head.position + 1, head.hash) else expected


def _is_valid_link(previous: str, event: Event, erased: set[uuid.UUID]) -> bool:
    """Return whether the event's hash follows from the previous one.

    Of a redacted event only the position can be checked, so it must be by or about an erased user. That the erasure
    itself was not slipped in is checked by its own hash: such an event is never redacted.
    """
    if event.redacted_at is not None and event.name != USER_ERASED:
        return not erased.isdisjoint({event.actor_id, event.subject_id})
    return event.hash == chain_hash(previous, event)


def redacted_count() -> int:
    return Event.objects.filter(redacted_at__isnull=False).count()
