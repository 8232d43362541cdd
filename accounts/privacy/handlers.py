"""Reactions to export events."""

from __future__ import annotations

import uuid

from accounts.privacy import services
from core.db import database_now
from events.models import Event


def build_requested_export(event: Event) -> None:
    """Build the archive that was requested (`user.export_requested`)."""
    services.build_export(export_id=uuid.UUID(event.payload["export_id"]), now=database_now())
