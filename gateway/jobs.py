from celery import shared_task
from django.utils import timezone

from gateway import idempotency


@shared_task(name="gateway.purge_idempotency_records")
def purge_idempotency_records(**_newer: object) -> None:
    idempotency.purge(now=timezone.now())
