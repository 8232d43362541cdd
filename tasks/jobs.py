from celery import shared_task

from core.db import database_now
from tasks.attachments import orphans, processing
from tasks.imports import background as imports
from tasks.items import reminders


# `_newer` takes arguments of a newer release, whose jobs may reach this worker during a deployment.
@shared_task(name="tasks.publish_due_soon")
def publish_due_soon(**_newer: object) -> None:
    """Publish reminders of tasks that are due soon."""
    reminders.publish_due_soon(now=database_now())


@shared_task(name="tasks.purge_import_jobs")
def purge_import_jobs(**_newer: object) -> None:
    """Delete files of imports that have ended or were given up."""
    imports.purge_jobs(now=database_now())


@shared_task(name="tasks.scan_quarantined_files")
def scan_quarantined_files(**_newer: object) -> None:
    """Scan attachments that wait in quarantine."""
    processing.scan_quarantined()


@shared_task(name="tasks.collect_orphaned_files")
def collect_orphaned_files(**_newer: object) -> None:
    """Delete files that no attachment has had for long."""
    orphans.collect(now=database_now())
