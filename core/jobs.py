from celery import shared_task
from django.utils import timezone

from core.api import idempotency


@shared_task(name="core.delete_expired_idempotency_records")
def delete_expired_idempotency_records(**_newer: object) -> None:
    idempotency.delete_expired(now=timezone.now())
