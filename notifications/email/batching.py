"""Schedule the emails of notifications: the first of a quiet time at once, further ones together, within limits."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import connection

from accounts.models import User
from notifications.models import Notification, OutgoingEmail

HOUR = timedelta(hours=1)
# The ASCII codes of "mail": the class of the advisory locks on recipients.
RECIPIENT_LOCK_CLASS = 0x6D61696C


def lock_recipients(user_ids: Iterable[UUID]) -> None:
    """Let one transaction at a time schedule emails to these users; in one order, against deadlocks."""
    # Without it, two events at the same time would each find a quiet time, and each send an email at once.
    keys = sorted({user_id.int % 2**31 for user_id in user_ids})
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock(%s, key) FROM unnest(%s::int[]) AS key", [RECIPIENT_LOCK_CLASS, keys]
        )


def schedule(notifications: Sequence[Notification], *, kind: str, sender_id: UUID | None, now: datetime) -> None:
    """Create emails of notifications of one event and kind, or add them to waiting ones.

    A notification beyond a limit of emails an hour stays in the inbox only, so nobody can flood a mailbox. A repeated
    call changes nothing.
    """
    recipient_ids = {notification.recipient_id for notification in notifications}
    if not recipient_ids:
        return
    lock_recipients(recipient_ids)
    window = settings.NOTIFICATION_BATCH_WINDOW
    recent = OutgoingEmail.objects.filter(
        notification__recipient__in=recipient_ids, scheduled_at__gt=now - max(HOUR, window)
    ).order_by("scheduled_at")
    emails: dict[UUID, list[OutgoingEmail]] = {}
    for email in recent.select_related("notification"):
        emails.setdefault(email.notification.recipient_id, []).append(email)  # type: ignore[union-attr]
    # At most one is open for each recipient: later ones are created only when it is claimed.
    open_ids = [sent[-1].pk for sent in emails.values() if window and sent[-1].is_open_for_batching]
    # Locked: a worker that claims one waits, and then lists what is added here.
    still_open = OutgoingEmail.objects.open_for_batching().filter(pk__in=open_ids)
    locked_ids = set(still_open.select_for_update().values_list("pk", flat=True)) if open_ids else set()
    mailed = {email.notification_id for sent in emails.values() for email in sent}
    allowance = _sender_allowance(sender_id, len(notifications), now)
    created, batched = [], []
    for notification in notifications:
        sent = emails.get(notification.recipient_id, [])
        if notification.pk in mailed or notification.batch_email_id:
            continue
        if sent and sent[-1].pk in locked_ids:
            notification.batch_email = sent[-1]
            batched.append(notification)
        elif (
            allowance > 0
            and sum(email.scheduled_at > now - HOUR for email in sent) < settings.NOTIFICATION_EMAILS_PER_HOUR
        ):
            allowance -= 1
            due = max(now, sent[-1].scheduled_at + window) if sent else now
            created.append(
                OutgoingEmail(
                    notification=notification,
                    to=notification.recipient.email,
                    message_id=OutgoingEmail.make_message_id(
                        f"{notification.event_id}.{kind}.{notification.recipient_id}"
                    ),
                    sender_id=sender_id,
                    scheduled_at=due,
                    next_attempt_at=due,
                )
            )
    OutgoingEmail.objects.bulk_create(created, ignore_conflicts=True)
    Notification.objects.bulk_update(batched, ["batch_email"])


def _sender_allowance(sender_id: UUID | None, emails: int, now: datetime) -> int:
    """Return how many of so many emails the sender may cause this hour; fewer without a verified address."""
    if sender_id is None:  # reminders and others of the system
        return emails
    count = OutgoingEmail.objects.filter(sender_id=sender_id, scheduled_at__gt=now - HOUR).count()
    limit: int = settings.NOTIFICATION_EMAILS_PER_SENDER
    unverified_limit: int = settings.NOTIFICATION_EMAILS_PER_UNVERIFIED_SENDER
    if count + emails > unverified_limit and not User.objects.with_verified_email().filter(pk=sender_id).exists():
        limit = min(limit, unverified_limit)
    return limit - count
