from __future__ import annotations

import uuid

from django.utils import timezone

from accounts import services
from events.models import Event


def export_requested(event: Event) -> None:
    services.build_export(export_id=uuid.UUID(event.payload["export_id"]), now=timezone.now())
