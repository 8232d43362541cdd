"""Personal data in the event log: the actions of a user."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import datetime

from core.privacy import ExportSection, PersonalDataProvider, Row, in_batches
from events.models import Event
from events.redaction import redact


def events_by(user_id: uuid.UUID) -> Iterator[Row]:
    columns = ("pk", "id", "name", "subject_type", "subject_id", "occurred_at")
    return in_batches(Event.objects.filter(actor_id=user_id).values(*columns))


def erase(user_id: uuid.UUID, _now: datetime) -> None:
    redact(user_id)


PROVIDER = PersonalDataProvider(
    parts=(
        ExportSection(
            "activity", "Your actions, one event per row.", events_by, ("events.Event", "events.PersonalData")
        ),
    ),
    erase=erase,
)
