"""Email delivery: queue account emails, claim, send, retry, and requeue failed emails."""

from __future__ import annotations

import json
import random
from collections.abc import Iterable
from datetime import datetime, timedelta
from functools import lru_cache
from smtplib import SMTPConnectError, SMTPDataError, SMTPException, SMTPRecipientsRefused, SMTPResponseException
from typing import Any
from uuid import UUID

import structlog
from django.core.mail import get_connection
from django.db import transaction
from django.db.models import F
from django.utils.translation import gettext

from accounts.models import User
from core.circuit_breaker import CircuitBreaker
from core.security.encryption import encrypt
from core.sql_templates import Param, Statement
from events.models import storable_error
from notifications import recipients
from notifications.email.backend import DeliveryUnconfirmed
from notifications.email.rendering import ENCRYPTION_PURPOSE, compose
from notifications.kinds import AccountEmailKind
from notifications.models import Notification, OutgoingEmail

# Long enough for an administrator to see why somebody did not get a mail.
ACCOUNT_EMAIL_RETENTION = timedelta(days=30)
# Eight attempts take about five hours.
MAX_ATTEMPTS = 8
# Greylisting servers refuse a first attempt and accept one some minutes later.
MIN_RETRY_DELAY = timedelta(seconds=5)
MAX_RETRY_DELAY = timedelta(hours=4)
# One sweep; the next one takes the rest. Locked rows and memory stay bounded after an outage.
CLAIM_BATCH_SIZE = 1000
PERMANENT_FAILURE_CODE = 500
# Notifications in one email; the rest is in the inbox. It bounds the message and the checks of access.
MAX_LISTED = 50
# After failures in a row the mail server is left alone, so that no worker waits for it again and again.
mail_server = CircuitBreaker(max_failures=3, pause=15)

log = structlog.get_logger(__name__)


def enqueue_account_email(*, kind: str, to: str, context: dict[str, Any], dedup_key: str, now: datetime) -> UUID:
    """Store one account email, its context encrypted, and return its id.

    The same kind and `dedup_key` are stored once. `context` holds plain values for the templates emails/<kind>/.
    Raises ValueError for an unknown kind.
    """
    kind = AccountEmailKind(kind)
    email = OutgoingEmail(
        kind=kind,
        to=to,
        encrypted_payload=encrypt(json.dumps(context), purpose=ENCRYPTION_PURPOSE),
        message_id=OutgoingEmail.make_message_id(f"{kind}.{dedup_key}"),
        next_attempt_at=now,
    )
    # With a conflict the row of the earlier call is returned.
    OutgoingEmail.objects.bulk_create([email], ignore_conflicts=True)
    email_id: UUID = OutgoingEmail.objects.values_list("pk", flat=True).get(message_id=email.message_id)
    return email_id


def send(*, email_id: UUID, now: datetime) -> None:
    """Claim and send this email, unless another worker holds or has sent it.

    Not inside a transaction: other workers must see the claim before anything is sent.
    """
    if not mail_server.allows_call():
        # Not an attempt: the email is due when the server may be tried again, and a sweep enqueues it then.
        queued = OutgoingEmail.objects.queued().filter(pk=email_id)
        queued.update(next_attempt_at=now + timedelta(seconds=mail_server.pause), enqueued_at=None)
        return
    email = claim_for_sending(email_id, now)
    if email is None:
        return
    notifications, more = _visible_notifications(email)
    # The account may have been closed since the email was queued.
    is_closed = (
        email.kind == AccountEmailKind.EXPORT_READY and not User.objects.active().filter(email=email.to).exists()
    )
    if is_closed or (email.notification and not notifications):
        _release_claim(email, state=OutgoingEmail.State.WITHDRAWN)
        log.info("email_withdrawn", email_id=str(email.pk))
        return
    try:
        # A connection for each message: they go out from several processes, and rarely two at the same time.
        with get_connection() as connection:
            message = compose(email, notifications, more=more)
            message.connection = connection
            mark_sent = _mark_sent_statement()
            message.send()
            # Before the connection is closed: a crash between acceptance and this update repeats the message.
            mark_sent.run({"id": email.pk, "claimed_at": email.claimed_at, "now": now})
            mail_server.record_success()
    except (SMTPException, OSError) as error:
        if is_response(error):
            mail_server.record_success()
        else:
            mail_server.record_failure()
        reason = storable_error(error)[:500]
        # The log gets the type only: the server's text often repeats the recipient's address.
        log.warning(
            "email_delivery_failed", email_id=str(email.pk), attempts=email.attempts, reason=type(error).__name__
        )
        if is_permanent(error) or email.attempts >= MAX_ATTEMPTS:
            _mark_dead(email, reason)
            return
        outcome: dict[str, Any] = {"next_attempt_at": now + retry_delay(email.attempts)}
        if isinstance(error, DeliveryUnconfirmed):
            # The server may have taken the message, and takes a second one under the same Message-ID with it. So it
            # is sent once more only, and as late as possible: a server in trouble has recovered by then.
            if email.unconfirmed:
                _mark_dead(email, reason)
                return
            outcome = {"next_attempt_at": now + MAX_RETRY_DELAY, "unconfirmed": True}
        _release_claim(email, state=OutgoingEmail.State.QUEUED, last_error=reason, **outcome)


def _visible_notifications(email: OutgoingEmail) -> tuple[list[Notification], int]:
    """Return the notifications that the email lists, and how many more there are.

    The recipient may have lost access to some, or been deactivated, since they were queued.
    """
    if email.notification is None:
        return [], 0
    batched = email.batched_notifications.order_by("created_at", "pk").select_related("recipient")
    listed = [email.notification, *batched[: MAX_LISTED - 1]]
    recipient_id = email.notification.recipient_id
    visible = {
        target for target in {one.target for one in listed} if recipients.eligible_recipients([recipient_id], target)
    }
    more = max(0, batched.count() - len(listed) + 1)
    return [one for one in listed if one.target in visible], more


@transaction.atomic(durable=True)
def claim_for_sending(email_id: UUID, now: datetime) -> OutgoingEmail | None:
    """Claim the email by a conditional UPDATE; only one worker's UPDATE matches the row.

    durable: the claim is committed here, because other workers must see it before anything is sent.
    """
    claimable = OutgoingEmail.objects.claimable(now).filter(pk=email_id)
    if not claimable.update(
        state=OutgoingEmail.State.SENDING, claimed_at=now, attempts=F("attempts") + 1, enqueued_at=None
    ):
        return None
    email = OutgoingEmail.objects.select_related("notification__recipient").get(pk=email_id)
    # Attempts are counted before sending, so an email that kills its workers is given up as well.
    if email.attempts > MAX_ATTEMPTS:
        _mark_dead(email, gettext("Every worker died, or failed to render the message, before it recorded an outcome."))
        return None
    return email


def _release_claim(email: OutgoingEmail, **outcome: Any) -> bool:
    """Record the outcome, unless the claim has expired and another worker took over."""
    # claimed_at tells whose claim it is: a later worker has claimed the row with another time.
    claimed = OutgoingEmail.objects.filter(pk=email.pk, state=OutgoingEmail.State.SENDING, claimed_at=email.claimed_at)
    return claimed.update(claimed_at=None, **outcome) == 1


@lru_cache(maxsize=1)
def _mark_sent_statement() -> Statement:
    """Return the UPDATE that marks an email as sent, compiled once.

    Compiling it before the message is sent keeps the moment short in which a crash would repeat the message.
    """
    claimed = OutgoingEmail.objects.filter(
        pk=Param("id"), claimed_at=Param("claimed_at"), state=OutgoingEmail.State.SENDING
    )
    outcome = {
        "claimed_at": None,
        "state": OutgoingEmail.State.SENT,
        "sent_at": Param("now"),
        "last_error": "",
        "encrypted_payload": "",
    }
    return Statement.update(claimed, outcome)


def _mark_dead(email: OutgoingEmail, reason: str) -> None:
    if _release_claim(email, state=OutgoingEmail.State.DEAD, last_error=reason):
        log.error("email_dead", email_id=str(email.pk), attempts=email.attempts)


def is_response(error: Exception) -> bool:
    """Return whether the server answered, however it refused."""
    return isinstance(error, SMTPResponseException | SMTPRecipientsRefused) and not isinstance(error, SMTPConnectError)


def is_permanent(error: Exception) -> bool:
    """Return whether the server refused the recipient or the message for good.

    RFC 5321, section 4.2.1, has 5yz codes for that.
    A refused sender or login is a matter of configuration that an operator can repair, so it is retried.
    """
    if isinstance(error, SMTPRecipientsRefused):
        return all(code >= PERMANENT_FAILURE_CODE for code, _ in error.recipients.values())
    return isinstance(error, SMTPDataError) and error.smtp_code >= PERMANENT_FAILURE_CODE


def retry_delay(attempts: int) -> timedelta:
    """Return the backoff after so many attempts: 5 s, 20 s, 80 s, 5 min, ... up to 4 h.

    Jitter takes off up to a quarter, so that a backlog does not return all at once.
    """
    delay: timedelta = min(MIN_RETRY_DELAY * 4 ** (attempts - 1), MAX_RETRY_DELAY)
    return delay * random.uniform(0.75, 1)  # noqa: S311 -- jitter, no secret


@transaction.atomic
def claim_for_enqueue(*, now: datetime) -> list[UUID]:
    """Claim the emails whose job was lost or whose attempt is due.

    Concurrent callers get different emails.
    """
    due = OutgoingEmail.objects.due_for_enqueue(now).order_by("next_attempt_at")
    # skip_locked: two sweeps at the same time share the work instead of enqueuing everything twice.
    email_ids = list(due.select_for_update(skip_locked=True).values_list("pk", flat=True)[:CLAIM_BATCH_SIZE])
    OutgoingEmail.objects.filter(pk__in=email_ids).update(enqueued_at=now)
    return email_ids


@transaction.atomic
def requeue(*, email_ids: Iterable[UUID], now: datetime) -> list[UUID]:
    """Queue failed emails again with all attempts ahead of them, and return their ids."""
    dead = OutgoingEmail.objects.filter(pk__in=list(email_ids), state=OutgoingEmail.State.DEAD)
    dead_ids = list(dead.select_for_update().values_list("pk", flat=True))
    OutgoingEmail.objects.filter(pk__in=dead_ids).update(
        state=OutgoingEmail.State.QUEUED, attempts=0, unconfirmed=False, next_attempt_at=now, enqueued_at=None
    )
    return dead_ids


def purge_account_emails(*, now: datetime) -> int:
    """Delete account emails that were sent or failed a month ago; return how many."""
    # Emails of notifications are deleted with them.
    old = OutgoingEmail.objects.filter(notification=None, next_attempt_at__lt=now - ACCOUNT_EMAIL_RETENTION)
    count, _ = old.exclude(state__in=[OutgoingEmail.State.QUEUED, OutgoingEmail.State.SENDING]).delete()
    return count
