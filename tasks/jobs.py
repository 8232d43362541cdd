from celery import shared_task

from core.db import database_now
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
