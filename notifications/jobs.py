from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID

import structlog
from celery import shared_task
from django.utils import timezone
from kombu.exceptions import OperationalError

from notifications import services

log = structlog.get_logger(__name__)


@shared_task(name="notifications.send_email", acks_late=True)
def send_email(*, email_id: str, **_newer: Any) -> None:
    services.deliver_email(email_id=UUID(email_id), now=timezone.now())


@shared_task(name="notifications.sweep_emails")
def sweep_emails(**_newer: Any) -> None:
    hand_over(services.take_waiting_emails(now=timezone.now()))


@shared_task(name="notifications.purge_old")
def purge_old(**_newer: Any) -> None:
    services.purge(now=timezone.now())


def hand_over(email_ids: Iterable[UUID]) -> None:
    """Give e-mails to workers. With the broker away they stay rows, and a later sweep gives them again."""
    try:
        for email_id in email_ids:
            send_email.delay(email_id=str(email_id))
    except OperationalError as error:
        log.warning("emails_wait_for_the_broker", reason=str(error))
