"""Mails about somebody's account: queued in the caller's transaction, sealed, and sent like all others."""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Iterable
from datetime import datetime, timedelta
from functools import lru_cache
from smtplib import SMTPDataError, SMTPException, SMTPRecipientsRefused
from typing import Any
from uuid import UUID

import structlog
from django.conf import settings
from django.core.mail import get_connection
from django.db import transaction
from django.db.models import F

from core.security.encryption import encrypt
from core.sql_templates import Param, Statement
from notifications import recipients
from notifications.email.rendering import ENCRYPTION_PURPOSE, compose
from notifications.kinds import AccountEmailKind
from notifications.models import OutgoingEmail

ACCOUNT_EMAIL_RETENTION = timedelta(days=30)


def enqueue_account_email(*, kind: str, to: str, context: dict[str, Any], dedup_key: str, now: datetime) -> UUID:
    """Queue one mail; the same `key` of the same kind queues it once. `words` are what its templates name, plain values."""
    digest = hashlib.blake2b(f"{AccountEmailKind(kind)}.{dedup_key}".encode(), digest_size=16).hexdigest()
    email = OutgoingEmail(
        kind=AccountEmailKind(kind),
        to=to,
        encrypted_payload=encrypt(json.dumps(context), purpose=ENCRYPTION_PURPOSE),
        message_id=f"<{digest}@{settings.MAIL_DOMAIN}>",
        next_attempt_at=now,
    )
    OutgoingEmail.objects.bulk_create([email], ignore_conflicts=True)
    found: UUID = OutgoingEmail.objects.values_list("pk", flat=True).get(message_id=email.message_id)
    return found


def purge_account_emails(*, now: datetime) -> int:
    """Forget those that were sent or given up long ago; returns how many."""
    ended = OutgoingEmail.objects.filter(notification=None, next_attempt_at__lt=now - ACCOUNT_EMAIL_RETENTION)
    removed, _ = ended.exclude(state__in=[OutgoingEmail.State.QUEUED, OutgoingEmail.State.SENDING]).delete()
    return removed


log = structlog.get_logger(__name__)

MAX_ATTEMPTS = 8
MIN_RETRY_DELAY = timedelta(seconds=5)
MAX_RETRY_DELAY = timedelta(hours=4)
CLAIM_BATCH_SIZE = 1000
PERMANENT_FAILURE_CODE = 500


def deliver(*, email_id: UUID, now: datetime) -> None:
    """Send this e-mail unless somebody else is doing so or has done so. Not inside a transaction: a claim must show."""
    email = _claim(email_id, now)
    if email is None:
        return
    if not _is_recipient_eligible(email):
        _release_claim(email, state=OutgoingEmail.State.WITHDRAWN)
        log.info("email_withdrawn", email_id=str(email.pk))
        return
    try:
        with get_connection() as connection:
            message = compose(email)
            message.connection = connection
            mark = _mark_sent_statement()
            message.send()
            # At once, before the connection is closed: a crash between acceptance and this mark repeats the message.
            mark.run({"id": email.pk, "claimed_at": email.claimed_at, "now": now})
    except (SMTPException, OSError) as error:
        _record_failure(email, error, now)


@transaction.atomic(durable=True)
def _claim(email_id: UUID, now: datetime) -> OutgoingEmail | None:
    mine = OutgoingEmail.objects.claimable(now).filter(pk=email_id)
    claim = {"state": OutgoingEmail.State.SENDING, "claimed_at": now, "attempts": F("attempts") + 1}
    if mine.update(**claim, enqueued_at=None) != 1:
        return None
    email = OutgoingEmail.objects.select_related("notification__recipient").get(pk=email_id)
    if email.attempts > MAX_ATTEMPTS:
        _mark_dead(email, "Every sender died, or could not render it, before saying what became of it.")
        return None
    return email


def _is_recipient_eligible(email: OutgoingEmail) -> bool:
    """Whoever has lost what it is about since it was queued, or was switched off, is not told of it any more."""
    told = email.notification
    return told is None or bool(recipients.eligible_recipients([told.recipient_id], told.about))


def _release_claim(email: OutgoingEmail, **outcome: Any) -> bool:
    """Write what became of it, unless the claim ran out and another sender took over."""
    held = OutgoingEmail.objects.filter(pk=email.pk, state=OutgoingEmail.State.SENDING, claimed_at=email.claimed_at)
    return held.update(claimed_at=None, **outcome) == 1


@lru_cache(maxsize=1)
def _mark_sent_statement() -> Statement:
    """The mark, written beforehand, so that as little as can be lies between it and the server's word."""
    held = OutgoingEmail.objects.filter(
        pk=Param("id"), claimed_at=Param("claimed_at"), state=OutgoingEmail.State.SENDING
    )
    outcome = {
        "claimed_at": None,
        "state": OutgoingEmail.State.SENT,
        "sent_at": Param("now"),
        "last_error": "",
        "encrypted_payload": "",
    }
    return Statement.update(held, outcome)


def _record_failure(email: OutgoingEmail, error: Exception, now: datetime) -> None:
    reason = f"{type(error).__name__}: {error}"[:500]
    log.warning("email_delivery_failed", email_id=str(email.pk), attempts=email.attempts, reason=type(error).__name__)
    if is_permanent(error) or email.attempts >= MAX_ATTEMPTS:
        _mark_dead(email, reason)
    else:
        _release_claim(
            email,
            state=OutgoingEmail.State.QUEUED,
            next_attempt_at=now + retry_delay(email.attempts),
            last_error=reason,
        )


def _mark_dead(email: OutgoingEmail, reason: str) -> None:
    if _release_claim(email, state=OutgoingEmail.State.DEAD, last_error=reason):
        log.error("email_dead", email_id=str(email.pk), attempts=email.attempts)


def is_permanent(error: Exception) -> bool:
    """Whether the server refused this address or this message for good (RFC 5321, section 4.2.1: 5yz).

    A refused sender or sign-in is a matter of configuration, which somebody may put right: worth another attempt.
    """
    if isinstance(error, SMTPRecipientsRefused):
        return all(code >= PERMANENT_FAILURE_CODE for code, _ in error.recipients.values())
    return isinstance(error, SMTPDataError) and error.smtp_code >= PERMANENT_FAILURE_CODE


def retry_delay(attempts: int) -> timedelta:
    """Return 5 s, 20 s, 80 s, 5 min, ... up to 4 h, less up to a quarter so that a backlog does not return as one."""
    delay: timedelta = min(MIN_RETRY_DELAY * 4 ** (attempts - 1), MAX_RETRY_DELAY)
    return delay * random.uniform(0.75, 1)  # noqa: S311 -- it spreads load and keeps no secret


@transaction.atomic
def claim_pending(*, now: datetime) -> list[UUID]:
    """Return the e-mails whose job was lost or whose time has come, each to one caller only."""
    waiting = OutgoingEmail.objects.due_for_enqueue(now).order_by("next_attempt_at")
    found = list(waiting.select_for_update(skip_locked=True).values_list("pk", flat=True)[:CLAIM_BATCH_SIZE])
    OutgoingEmail.objects.filter(pk__in=found).update(enqueued_at=now)
    return found


@transaction.atomic
def requeue(*, email_ids: Iterable[UUID], now: datetime) -> list[UUID]:
    """Queue given-up e-mails anew, with all attempts before them; returns those that were given up."""
    dead = OutgoingEmail.objects.filter(pk__in=list(email_ids), state=OutgoingEmail.State.DEAD)
    found = list(dead.select_for_update().values_list("pk", flat=True))
    OutgoingEmail.objects.filter(pk__in=found).update(
        state=OutgoingEmail.State.QUEUED, attempts=0, next_attempt_at=now, enqueued_at=None
    )
    return found
