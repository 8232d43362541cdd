"""Questions about the log."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from django.db.models import QuerySet

from events.models import FIRST_HASH, Event, LogHead
from events.relay import chain


def facts_about(subject_id: uuid.UUID, *, names: Sequence[str] = ()) -> QuerySet[Event]:
    """Everything recorded about one thing, newest first when sorted by -id."""
    found = Event.objects.filter(subject_id=subject_id)
    return found.filter(name__in=names) if names else found


def broken_link() -> int | None:
    """Return the first position whose hash does not follow from the one before, or None when the log is whole.

    The head is read first, so facts that are appended meanwhile do not matter, and a missing end does.
    """
    head = LogHead.objects.filter(pk=1).first() or LogHead()
    previous, expected = FIRST_HASH, 1
    for event in Event.objects.filter(position__lte=head.position).order_by("position").iterator(chunk_size=2000):
        if event.position != expected or event.hash != chain(previous, event):
            return expected
        previous, expected = event.hash, expected + 1
    return None if (expected, previous) == (head.position + 1, head.hash) else expected
