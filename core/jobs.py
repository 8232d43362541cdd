from celery import shared_task

from core.api import idempotency
from core.db import database_now


@shared_task(name="core.delete_expired_idempotency_records")
def delete_expired_idempotency_records(**_newer: object) -> None:
    idempotency.delete_expired(now=database_now())
