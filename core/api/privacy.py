"""Personal data in the HTTP toolkit: stored responses of idempotent requests, for one day."""

from __future__ import annotations

import uuid
from datetime import datetime

from core.models import IdempotencyRecord
from core.privacy import PersonalDataProvider


def erase(user_id: uuid.UUID, _now: datetime) -> None:
    IdempotencyRecord.objects.filter(user_id=user_id).delete()


PROVIDER = PersonalDataProvider(parts=(), erase=erase)
