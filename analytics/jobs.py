from __future__ import annotations

import structlog
from celery import shared_task

from analytics.rollups import services as rollups

log = structlog.get_logger(__name__)


@shared_task(name="analytics.reconcile")
def reconcile(**_newer: object) -> None:
    """Compare the statistics with the log every night, say so if they differ, and put them right."""
    found = rollups.reconcile()
    if found is None:
        log.info("statistics_reconcile_already_running")
    elif found:
        log.error("statistics_mismatch_repaired", snapshots=len(found.snapshots), rows=len(found.stats))
    else:
        log.info("statistics_match", tasks=found.tasks, events=found.events)
