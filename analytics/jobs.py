from __future__ import annotations

import structlog
from celery import shared_task

from analytics import services

log = structlog.get_logger(__name__)


@shared_task(name="analytics.reconcile")
def reconcile(**_newer: object) -> None:
    """Compare the statistics with the log every night, say so if they differ, and put them right."""
    found = services.reconcile()
    if found is None:
        log.info("statistics_are_being_reconciled_elsewhere")
    elif found:
        log.error("statistics_differed_from_the_log", snapshots=len(found.snapshots), rows=len(found.stats))
    else:
        log.info("statistics_agree_with_the_log", tasks=found.tasks, facts=found.facts)
