"""Reactions to import events."""

from __future__ import annotations

import uuid

from core.db import database_now
from events.models import Event
from tasks.imports import background


def run_requested_import(event: Event) -> None:
    """Check or import the file of a job (`project.import_requested`)."""
    background.run_job(job_id=uuid.UUID(event.payload["import_id"]), now=database_now())
