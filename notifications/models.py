"""Notifications, outgoing emails and preferences."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from typing import Any, NamedTuple, Self
from uuid import UUID

from django.conf import settings
from django.db import models
from django.db.models import Q, QuerySet
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy

from core.db import uuid7
from notifications.kinds import Channel, Kind, get_reason

# A worker that holds a claim for longer is presumed dead. Must be well above EMAIL_TIMEOUT.
CLAIM_TIMEOUT = timedelta(seconds=60)
# A job that has not started after this time is presumed lost with its broker, and the email is enqueued again.
ENQUEUE_TIMEOUT = timedelta(seconds=30)


class NotificationQuerySet(QuerySet["Notification"]):
    def for_user(self, user_id: UUID) -> Self:
        return self.filter(recipient_id=user_id)

    def in_inbox(self) -> Self:
        """Without notifications that were sent by other channels only."""
        return self.filter(in_inbox=True)

    def unread(self) -> Self:
        return self.filter(read_at=None)


class OutgoingEmailQuerySet(QuerySet["OutgoingEmail"]):
    def queued(self) -> Self:
        return self.filter(state="queued")

    def abandoned(self, now: datetime) -> Self:
        """Emails claimed by a worker that died before it recorded the outcome."""
        return self.filter(state="sending", claimed_at__lt=now - CLAIM_TIMEOUT)

    def claimable(self, now: datetime) -> Self:
        """Emails that a worker may claim: queued ones, due or not, and abandoned ones."""
        return self.queued() | self.abandoned(now)

    def open_for_batching(self) -> Self:
        """Emails that no worker has claimed yet: what is added to them is part of every attempt."""
        return self.queued().filter(attempts=0, last_error="")

    def due_for_enqueue(self, now: datetime) -> Self:
        """Emails that are due or abandoned, and were not enqueued recently."""
        not_enqueued = Q(enqueued_at=None) | Q(enqueued_at__lt=now - ENQUEUE_TIMEOUT)
        # Abandoned ones are due at once: their worker died, and nothing else will try them.
        due = self.queued().filter(next_attempt_at__lte=now)
        return (due | self.abandoned(now)).filter(not_enqueued)


class NotificationTarget(NamedTuple):
    """Target of a notification: a task in its project, a project, or a team.

    The first that is set decides who may be notified.
    """

    task_id: UUID | None = None
    project_id: UUID | None = None
    team_id: UUID | None = None

    @classmethod
    def from_payload(cls, payload: dict[str, Any]) -> Self:
        """Return the target of an event."""
        return cls(
            **{f"{name}_id": UUID(payload[name]["id"]) for name in ("task", "project", "team") if name in payload}
        )


class Notification(models.Model):
    """One notification of one user.

    Its texts are copies, so it reads the same after the task has changed.
    """

    Kind = Kind

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    recipient = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    kind = models.CharField(max_length=20, choices=Kind.choices)
    # Copies instead of foreign keys: a notification keeps its text when the target is renamed or deleted.
    title = models.TextField()
    body = models.TextField(blank=True, help_text="Excerpt of the comment or description, as Markdown.")
    url = models.CharField(max_length=200, help_text="Path of the target's page on this site.")
    actor_name = models.TextField(blank=True)
    task_id = models.UUIDField(null=True, blank=True, help_text="Null for a notification about a project or a team.")
    task_key = models.CharField(max_length=40, blank=True)
    task_title = models.TextField(blank=True)
    project_id = models.UUIDField(null=True, blank=True, help_text="Null for a notification about a team.")
    project_name = models.TextField(blank=True)
    team_id = models.UUIDField(null=True, blank=True, help_text="Null unless the notification is about a team.")
    team_name = models.TextField(blank=True, default="", db_default="")
    due_date = models.DateField(null=True, blank=True)
    due_at = models.DateTimeField(null=True, blank=True)
    event_id = models.BigIntegerField()
    in_inbox = models.BooleanField(default=True, help_text="False for a notification sent by other channels only.")
    created_at = models.DateTimeField()
    read_at = models.DateTimeField(null=True, blank=True)
    batch_email = models.ForeignKey(
        "OutgoingEmail",
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="batched_notifications",
        help_text="The email of an earlier notification that lists this one too.",
    )

    objects = NotificationQuerySet.as_manager()
    # Set by selectors.mark_unavailable: the target is deleted or no longer visible to the recipient.
    is_unavailable = False

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="one_notification_per_event_recipient_and_kind", fields=["event_id", "recipient", "kind"]
            ),
            models.CheckConstraint(name="notification_kind_is_known", condition=Q(kind__in=Kind.values)),
            models.CheckConstraint(
                name="notification_has_one_target",
                condition=Q(project_id__isnull=False, team_id=None)
                | Q(task_id=None, project_id=None, team_id__isnull=False),
            ),
        ]
        indexes = [
            models.Index(
                name="inbox_newest_first",
                fields=["recipient", "-created_at", "-id"],
                condition=Q(in_inbox=True),
            ),
            models.Index(
                name="inbox_unread_newest_first",
                fields=["recipient", "-created_at", "-id"],
                condition=Q(in_inbox=True, read_at=None),
            ),
            # For the purge, which looks for old rows of all users.
            models.Index(name="notification_by_age", fields=["created_at"]),
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def is_read(self) -> bool:
        return self.read_at is not None

    @property
    def subject(self) -> str:
        """Name of the target: the task's title, or the project's or team's name."""
        return self.task_title or self.project_name or self.team_name

    @property
    def target(self) -> NotificationTarget:
        return NotificationTarget(self.task_id, self.project_id, self.team_id)

    @property
    def reason(self) -> str:
        return get_reason(self.kind)


class OutgoingEmail(models.Model):
    """One message to one address: a worker claims the row, sends the message and records the outcome.

    The content comes from the notification, and from those that were batched into it before the first attempt; an account
    email has none and carries its own encrypted content.
    """

    # Withdrawn: the recipient lost access before it was sent. Dead: an administrator may requeue it.
    class State(models.TextChoices):
        QUEUED = "queued", gettext_lazy("Queued")
        SENDING = "sending", gettext_lazy("Sending")
        SENT = "sent", gettext_lazy("Sent")
        DEAD = "dead", gettext_lazy("Failed")
        WITHDRAWN = "withdrawn", gettext_lazy("Withdrawn")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    notification = models.OneToOneField(Notification, on_delete=models.CASCADE, related_name="email", null=True)
    kind = models.CharField(max_length=40, blank=True, default="", db_default="", help_text="Kind of an account email.")
    encrypted_payload = models.TextField(
        blank=True,
        default="",
        db_default="",
        help_text="Encrypted content of an account email; cleared once it is sent.",
    )
    to = models.EmailField(max_length=254)
    message_id = models.CharField(max_length=200)
    state = models.CharField(max_length=10, choices=State.choices, default=State.QUEUED)
    attempts = models.PositiveSmallIntegerField(default=0)
    # When it was to be sent first; next_attempt_at moves with the attempts.
    scheduled_at = models.DateTimeField(db_default=Now())
    next_attempt_at = models.DateTimeField()
    sender_id = models.UUIDField(
        null=True, blank=True, help_text="Who caused the notification, for the limit of emails."
    )
    # When a job was started for it; null again once a worker has claimed it.
    enqueued_at = models.DateTimeField(null=True, blank=True)
    claimed_at = models.DateTimeField(null=True, blank=True)
    sent_at = models.DateTimeField(null=True, blank=True)
    last_error = models.TextField(blank=True)
    unconfirmed = models.BooleanField(
        default=False,
        db_default=False,
        help_text="Sent once without the server's confirmation; sent once more at most.",
    )

    objects = OutgoingEmailQuerySet.as_manager()

    class Meta:
        constraints = [
            # What makes sending twice recognisable: one row, and so one message, for each id.
            models.UniqueConstraint(name="email_message_id_is_unique", fields=["message_id"]),
            models.CheckConstraint(
                name="email_has_notification_or_account_kind",
                condition=Q(notification__isnull=False, kind="") | (Q(notification=None) & ~Q(kind="")),
            ),
            models.CheckConstraint(
                name="email_state_is_known",
                condition=Q(state__in=["queued", "sending", "sent", "dead", "withdrawn"]),
            ),
            models.CheckConstraint(
                name="email_is_claimed_exactly_while_sending",
                condition=Q(state="sending", claimed_at__isnull=False) | (~Q(state="sending") & Q(claimed_at=None)),
            ),
            models.CheckConstraint(
                name="email_has_sent_at_exactly_when_sent",
                condition=Q(state="sent", sent_at__isnull=False) | (~Q(state="sent") & Q(sent_at=None)),
            ),
        ]
        indexes = [
            models.Index(name="email_due", fields=["next_attempt_at"], condition=Q(state="queued")),
            models.Index(name="email_claimed", fields=["claimed_at"], condition=Q(state="sending")),
            models.Index(
                name="email_by_sender", fields=["sender_id", "scheduled_at"], condition=Q(sender_id__isnull=False)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.message_id} to {self.to}"

    @property
    def is_open_for_batching(self) -> bool:
        """As in OutgoingEmailQuerySet; one that failed before keeps its content when an administrator retries it."""
        return self.state == self.State.QUEUED and self.attempts == 0 and not self.last_error

    @staticmethod
    def make_message_id(key: str) -> str:
        """Return the Message-ID for a key: always the same, so that receivers recognise a repeated message."""
        # 16 bytes keep the header short enough for mail programs not to fold it.
        return f"<{hashlib.blake2b(key.encode(), digest_size=16).hexdigest()}@{settings.MAIL_DOMAIN}>"


class Preference(models.Model):
    """A user's choice for one kind on one channel; without a row, `kinds.DEFAULT_PREFERENCES` applies."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    kind = models.CharField(max_length=20, choices=Kind.choices)
    channel = models.CharField(max_length=10, choices=Channel.choices)
    enabled = models.BooleanField()

    class Meta:
        constraints = [
            models.UniqueConstraint(name="one_preference_per_kind_and_channel", fields=["user", "kind", "channel"]),
            models.CheckConstraint(name="preference_kind_is_known", condition=Q(kind__in=Kind.values)),
            models.CheckConstraint(name="preference_channel_is_known", condition=Q(channel__in=Channel.values)),
        ]

    def __str__(self) -> str:
        return f"{self.kind} by {self.channel}: {'on' if self.enabled else 'off'}"
