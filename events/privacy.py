"""Personal data in the event log: the actions of a user."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import UTC, datetime

from core.privacy import ExportSection, PersonalDataProvider, Row, in_batches
from events import archive
from events.models import Event
from events.redaction import redact


def events_by(user_id: uuid.UUID) -> Iterator[Row]:
    columns = ("pk", "id", "name", "subject_type", "subject_id", "occurred_at")
    yield from in_batches(Event.objects.filter(actor_id=user_id).values(*columns))
    for row in archive.read_rows():
        if row[5] == str(user_id):
            at = datetime.fromtimestamp(row[9] / 1_000_000, tz=UTC)
            yield {"id": row[2], "name": row[3], "subject_type": row[6], "subject_id": row[7], "occurred_at": at}


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
