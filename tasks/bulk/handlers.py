"""Reactions to events of changes in bulk."""

from __future__ import annotations

import uuid

from core.db import database_now
from events.models import Event
from tasks.bulk import worker


def run_requested_change(event: Event) -> None:
    """Make the change of a job (`bulk.requested`)."""
    worker.run_job(job_id=uuid.UUID(event.payload["bulk"]["id"]), now=database_now())
