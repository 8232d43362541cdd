"""Sending: a row is claimed by conditional UPDATE, sent, and marked. A crash in between repeats one Message-ID."""

from __future__ import annotations

import random
from collections.abc import Iterable
from datetime import datetime, timedelta
from functools import lru_cache
from smtplib import SMTPDataError, SMTPException, SMTPRecipientsRefused
from typing import Any
from uuid import UUID

import structlog
from django.core.mail import get_connection
from django.db import transaction
from django.db.models import F

from core.prepared import Bind, Statement
from notifications import selectors
from notifications.models import OutgoingEmail
from notifications.rendering import compose

log = structlog.get_logger(__name__)

MAX_ATTEMPTS = 8
FIRST_DELAY = timedelta(seconds=5)
LONGEST_DELAY = timedelta(hours=4)
BATCH = 1000
PERMANENT = 500


def deliver_email(*, email_id: UUID, now: datetime) -> None:
    """Send this e-mail unless somebody else is doing so or has done so. Not inside a transaction: a claim must show."""
    email = _claim(email_id, now)
    if email is None:
        return
    if not _may_be_told(email):
        _finish(email, state=OutgoingEmail.State.WITHDRAWN)
        log.info("email_withdrawn", email_id=str(email.pk))
        return
    try:
        with get_connection() as connection:
            message = compose(email)
            message.connection = connection
            mark = _sent()
            message.send()
            # At once, before the connection is closed: a crash between acceptance and this mark repeats the message.
            mark.run({"id": email.pk, "claimed_at": email.claimed_at, "now": now})
    except (SMTPException, OSError) as error:
        _record_failure(email, error, now)


@transaction.atomic(durable=True)
def _claim(email_id: UUID, now: datetime) -> OutgoingEmail | None:
    mine = OutgoingEmail.objects.claimable(now).filter(pk=email_id)
    claim = {"state": OutgoingEmail.State.SENDING, "claimed_at": now, "attempts": F("attempts") + 1}
    if mine.update(**claim, handed_over_at=None) != 1:
        return None
    email = OutgoingEmail.objects.select_related("notification__recipient").get(pk=email_id)
    if email.attempts > MAX_ATTEMPTS:
        _give_up(email, "Every sender died, or could not render it, before saying what became of it.")
        return None
    return email


def _may_be_told(email: OutgoingEmail) -> bool:
    """Whoever has lost what it is about since it was queued, or was switched off, is not told of it any more."""
    told = email.notification
    return told is None or bool(selectors.hearers([told.recipient_id], told.about))


def _finish(email: OutgoingEmail, **outcome: Any) -> bool:
    """Write what became of it, unless the claim ran out and another sender took over."""
    held = OutgoingEmail.objects.filter(pk=email.pk, state=OutgoingEmail.State.SENDING, claimed_at=email.claimed_at)
    return held.update(claimed_at=None, **outcome) == 1


@lru_cache(maxsize=1)
def _sent() -> Statement:
    """The mark, written beforehand, so that as little as can be lies between it and the server's word."""
    held = OutgoingEmail.objects.filter(pk=Bind("id"), claimed_at=Bind("claimed_at"), state=OutgoingEmail.State.SENDING)
    outcome = {
        "claimed_at": None,
        "state": OutgoingEmail.State.SENT,
        "sent_at": Bind("now"),
        "last_error": "",
        "sealed": "",
    }
    return Statement.update(held, outcome)


def _record_failure(email: OutgoingEmail, error: Exception, now: datetime) -> None:
    reason = f"{type(error).__name__}: {error}"[:500]
    log.warning("email_not_sent", email_id=str(email.pk), attempts=email.attempts, reason=type(error).__name__)
    if is_permanent(error) or email.attempts >= MAX_ATTEMPTS:
        _give_up(email, reason)
    else:
        _finish(
            email,
            state=OutgoingEmail.State.QUEUED,
            next_attempt_at=now + retry_delay(email.attempts),
            last_error=reason,
        )


def _give_up(email: OutgoingEmail, reason: str) -> None:
    if _finish(email, state=OutgoingEmail.State.DEAD, last_error=reason):
        log.error("email_given_up", email_id=str(email.pk), attempts=email.attempts)


def is_permanent(error: Exception) -> bool:
    """Whether the server refused this address or this message for good (RFC 5321, section 4.2.1: 5yz).

    A refused sender or sign-in is a matter of configuration, which somebody may put right: worth another attempt.
    """
    if isinstance(error, SMTPRecipientsRefused):
        return all(code >= PERMANENT for code, _ in error.recipients.values())
    return isinstance(error, SMTPDataError) and error.smtp_code >= PERMANENT


def retry_delay(attempts: int) -> timedelta:
    """Return 5 s, 20 s, 80 s, 5 min, ... up to 4 h, less up to a quarter so that a backlog does not return as one."""
    delay: timedelta = min(FIRST_DELAY * 4 ** (attempts - 1), LONGEST_DELAY)
    return delay * random.uniform(0.75, 1)  # noqa: S311 -- it spreads load and keeps no secret


@transaction.atomic
def take_waiting_emails(*, now: datetime) -> list[UUID]:
    """Return the e-mails whose job was lost or whose time has come, each to one caller only."""
    waiting = OutgoingEmail.objects.waiting_for_a_job(now).order_by("next_attempt_at")
    found = list(waiting.select_for_update(skip_locked=True).values_list("pk", flat=True)[:BATCH])
    OutgoingEmail.objects.filter(pk__in=found).update(handed_over_at=now)
    return found


@transaction.atomic
def send_again(*, email_ids: Iterable[UUID], now: datetime) -> list[UUID]:
    """Queue given-up e-mails anew, with all attempts before them; returns those that were given up."""
    dead = OutgoingEmail.objects.filter(pk__in=list(email_ids), state=OutgoingEmail.State.DEAD)
    found = list(dead.select_for_update().values_list("pk", flat=True))
    OutgoingEmail.objects.filter(pk__in=found).update(
        state=OutgoingEmail.State.QUEUED, attempts=0, next_attempt_at=now, handed_over_at=None
    )
    return found
