"""Celery jobs of the app, and the way into their queue."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import Any
from uuid import UUID

import structlog
from celery import shared_task
from django.db import transaction
from kombu.exceptions import OperationalError

from core import redis
from core.db import database_now
from notifications.email import services as email
from notifications.inbox import services as inbox

log = structlog.get_logger(__name__)


# acks_late: if a worker dies, the broker gives its job to another one. The claim in the row keeps two workers from
# sending the message at the same time.
@shared_task(name="notifications.send_email", acks_late=True)
def send_email(*, email_id: str, **_unknown: Any) -> None:
    email.send(email_id=UUID(email_id), now=database_now())


@shared_task(name="notifications.sweep_emails")
def sweep_emails(**_unknown: Any) -> None:
    """Enqueue the emails whose job was lost or whose next attempt is due."""
    enqueue_emails(email.claim_for_enqueue(now=database_now()))


@shared_task(name="notifications.purge_old")
def purge_old(**_unknown: Any) -> None:
    now = database_now()
    inbox.purge(now=now)
    email.purge_account_emails(now=now)


def enqueue_account_email(*, kind: str, to: str, context: dict[str, Any], dedup_key: str) -> None:
    """Store an account email in the caller's transaction and enqueue it after the commit.

    An email of the same kind and `dedup_key` is stored and sent once.
    """
    email_id = email.enqueue_account_email(kind=kind, to=to, context=context, dedup_key=dedup_key, now=database_now())
    transaction.on_commit(partial(enqueue_emails, [email_id]), robust=True)


def enqueue_emails(email_ids: Iterable[UUID]) -> None:
    """Start a job for each email. While the broker is down the rows stay queued, and a later sweep enqueues them."""
    # The broker is the same server as a rule, so nobody waits for it as well.
    if redis.circuit.is_open:
        log.warning("redis_unavailable_emails_deferred")
        return
    try:
        for email_id in email_ids:
            # Only the id: a job must not carry an old state, and the broker no addresses or texts.
            send_email.delay(email_id=str(email_id))
    except OperationalError as error:
        log.warning("broker_unavailable_emails_deferred", reason=str(error))
