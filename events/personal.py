"""What the log of facts knows about a person: what they did."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import datetime

from core.personal import Keeper, Part, Row, in_batches
from events.models import Event
from events.redaction import redact


def facts_by(person_id: uuid.UUID) -> Iterator[Row]:
    columns = ("pk", "id", "name", "subject_type", "subject_id", "occurred_at")
    return in_batches(Event.objects.filter(actor_id=person_id).values(*columns))


def forget(person_id: uuid.UUID, now: datetime) -> None:
    redact(person_id, now=now)


KEEPER = Keeper(
    parts=(Part("activity", "What you did here, fact by fact.", facts_by, ("events.Event",)),), forget=forget
)
