"""What the HTTP contract knows about a person: answers of the last day, kept in case they are asked for again."""

from __future__ import annotations

import uuid
from datetime import datetime

from core.personal import Keeper
from gateway.models import IdempotencyRecord


def forget(person_id: uuid.UUID, _now: datetime) -> None:
    IdempotencyRecord.objects.filter(caller=person_id).delete()


KEEPER = Keeper(parts=(), forget=forget)
