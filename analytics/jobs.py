"""Celery jobs of the app."""

from __future__ import annotations

import structlog
from celery import shared_task

from analytics.operations import services as operations
from analytics.rollups import services as rollups
from core.db import database_now

log = structlog.get_logger(__name__)


@shared_task(name="analytics.reconcile")
def reconcile(**_unknown: object) -> None:
    """Compare the statistics with the event log, and repair and log any differences."""
    comparison = rollups.reconcile()
    if comparison is None:
        log.info("statistics_reconcile_already_running")
    elif comparison:
        # An error although it is repaired: there is a bug, or somebody has changed rows by hand.
        log.error("statistics_mismatch_repaired", snapshots=len(comparison.snapshots), rows=len(comparison.stats))
    else:
        log.info("statistics_match", tasks=comparison.tasks, events=comparison.events)


@shared_task(name="analytics.roll_up_requests")
def roll_up_requests(**_unknown: object) -> None:
    """Store the request statistics of the minutes that have ended."""
    operations.roll_up(now=database_now())
