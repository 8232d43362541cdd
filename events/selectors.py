"""Reads of the event log."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime

from django.db.models import QuerySet

from events.models import ArchivedEvents, Event


def events_about(subject_id: uuid.UUID, *, names: Sequence[str] = ()) -> QuerySet[Event]:
    """Return the events about one subject, unordered; `names` limits them to these kinds."""
    # Ids are UUIDs, so those of a task and a user cannot be equal, and the type is not needed.
    events = Event.objects.filter(subject_id=subject_id)
    return events.filter(name__in=names) if names else events


def archived_until() -> datetime | None:
    """Return the time of the newest event in the archive, which no list shows; None for an empty archive."""
    return ArchivedEvents.objects.order_by("-last_position").values_list("last_occurred_at", flat=True).first()
