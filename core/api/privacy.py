"""What the HTTP contract knows about a person: answers of the last day, kept in case they are asked for again."""

from __future__ import annotations

import uuid
from datetime import datetime

from core.models import IdempotencyRecord
from core.privacy import PersonalDataProvider


def erase(user_id: uuid.UUID, _now: datetime) -> None:
    IdempotencyRecord.objects.filter(user_id=user_id).delete()


PROVIDER = PersonalDataProvider(parts=(), erase=erase)
