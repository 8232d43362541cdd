from __future__ import annotations

import structlog
from celery import shared_task

from analytics import services

log = structlog.get_logger(__name__)


@shared_task(name="analytics.reconcile")
def reconcile(**_newer: object) -> None:
    """Compare the statistics with the log every night, say so if they differ, and put them right."""
    found = services.verify()
    if not found:
        log.info("statistics_agree_with_the_log", tasks=found.tasks, facts=found.facts)
        return
    log.error("statistics_differ_from_the_log", snapshots=len(found.snapshots), cells=len(found.stats))
    services.rebuild()
