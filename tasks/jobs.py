from celery import shared_task
from django.utils import timezone

from tasks.items import reminders


@shared_task(name="tasks.publish_due_soon")
def publish_due_soon(**_newer: object) -> None:
    reminders.publish_due_soon(now=timezone.now())
