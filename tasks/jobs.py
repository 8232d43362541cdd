from celery import shared_task

from core.db import database_now
from tasks.attachments import orphans, processing
from tasks.imports import background as imports
from tasks.items import reminders as due_soon
from tasks.projects import services as projects
from tasks.recurrence import advancing
from tasks.reminders import sending as reminders
from tasks.saved_filters import clock
from tasks.trash import purging


# `_newer` takes arguments of a newer release, whose jobs may reach this worker during a deployment.
@shared_task(name="tasks.publish_due_soon")
def publish_due_soon(**_newer: object) -> None:
    """Publish reminders of tasks that are due soon."""
    due_soon.publish_due_soon(now=database_now())


@shared_task(name="tasks.send_reminders")
def send_reminders(**_newer: object) -> None:
    """Publish reminders that users have set."""
    reminders.send_due(now=database_now())


@shared_task(name="tasks.match_filters_by_clock")
def match_filters_by_clock(**_newer: object) -> None:
    """Publish which tasks have entered a subscribed filter because time has passed."""
    clock.match_by_clock(now=database_now())


@shared_task(name="tasks.advance_recurrences")
def advance_recurrences(**_newer: object) -> None:
    """Create the tasks that follow missed ones in their series."""
    advancing.advance_missed(now=database_now())


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


@shared_task(name="tasks.purge_trash")
def purge_trash(**_newer: object) -> None:
    """Delete permanently what has been in the trash for its term."""
    purging.purge_expired(now=database_now())


@shared_task(name="tasks.archive_finished_projects")
def archive_finished_projects(**_newer: object) -> None:
    """Archive projects that have been finished for long, if the settings say so."""
    projects.archive_finished(now=database_now())
