from celery import shared_task
from django.utils import timezone

from tasks import services


@shared_task(name="tasks.announce_due_soon")
def announce_due_soon(**_newer: object) -> None:
    services.announce_due_soon(now=timezone.now())
