"""Redaction: personal data of an erased user are removed from the event log.

The log keeps what was done and by which id. Its hashes cover commitments to the personal data, not the data, so they
stay as they are; `audit.verify` accepts missing data of users whose `user.erased` is part of the log.
"""

from __future__ import annotations

import uuid

from django.db import connection, transaction
from django.db.models import Q

from events.models import Event, PersonalData

USER_ERASED = "user.erased"
BATCH_SIZE = 1000


@transaction.atomic
def redact(user_id: uuid.UUID) -> int:
    """Remove the user's names, addresses and devices from all events by or about them; return how many changed."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM events_loghead FOR UPDATE")  # the relay hashes what it has read
    count, _ = PersonalData.objects.filter(user_id=user_id).delete()
    # Events that the relay has not appended yet still hold the values in their payloads.
    waiting = Event.objects.filter(Q(subject_id=user_id) | Q(actor_id=user_id), position=None).order_by("pk")
    last_id = 0
    # In batches, because an active user has more events than should be in memory at once.
    while batch := list(waiting.filter(pk__gt=last_id)[:BATCH_SIZE]):
        for event in batch:
            payload, parts = event.split_payload(only=user_id)
            if parts:
                Event.objects.filter(pk=event.pk).update(payload=payload)
                count += 1
        last_id = batch[-1].pk
    return count
