"""What a notice is about."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple, Self
from uuid import UUID

from django.conf import settings
from django.db import models
from django.db.models import Q, QuerySet

from core.db import uuid7
from notifications.kinds import Channel, Kind, get_reason

if TYPE_CHECKING:
    pass

# A sender that has not answered for this long is taken for dead; longer than EMAIL_TIMEOUT by far.
CLAIM_TIMEOUT = timedelta(seconds=60)
# A job that has not begun for this long is taken for lost with its broker, and is handed over again.
ENQUEUE_TIMEOUT = timedelta(seconds=30)


class NotificationQuerySet(QuerySet["Notification"]):
    def for_user(self, user_id: UUID) -> Self:
        return self.filter(recipient_id=user_id)

    def in_inbox(self) -> Self:
        return self.filter(in_inbox=True)

    def unread(self) -> Self:
        return self.filter(read_at=None)


class OutgoingEmailQuerySet(QuerySet["OutgoingEmail"]):
    def queued(self) -> Self:
        return self.filter(state="queued")

    def abandoned(self, now: datetime) -> Self:
        """Claimed so long ago that the sender must have died between claiming and saying what became of it."""
        return self.filter(state="sending", claimed_at__lt=now - CLAIM_TIMEOUT)

    def claimable(self, now: datetime) -> Self:
        return self.queued() | self.abandoned(now)

    def due_for_enqueue(self, now: datetime) -> Self:
        """Due or abandoned, and not handed to a worker lately."""
        not_enqueued = Q(enqueued_at=None) | Q(enqueued_at__lt=now - ENQUEUE_TIMEOUT)
        due = self.queued().filter(next_attempt_at__lte=now)
        return (due | self.abandoned(now)).filter(not_enqueued)


class NotificationTarget(NamedTuple):
    """A task in its project, a whole project, or a team. Who may hear of it is asked of the first that is named."""

    task_id: UUID | None = None
    project_id: UUID | None = None
    team_id: UUID | None = None

    @classmethod
    def from_payload(cls, payload: dict[str, Any]) -> Self:
        """Return what a fact tells of."""
        return cls(_target_id(payload, "task"), _target_id(payload, "project"), _target_id(payload, "team"))


def _target_id(payload: dict[str, Any], name: str) -> UUID | None:
    return UUID(payload[name]["id"]) if name in payload else None


class Notification(models.Model):
    """One thing one person is told. It keeps what it says, so that it reads the same when the task has gone on."""

    Kind = Kind

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    recipient = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    kind = models.CharField(max_length=20, choices=Kind.choices)
    title = models.TextField()
    body = models.TextField(blank=True, help_text="The words of the comment, shortened; blank for other kinds.")
    url = models.CharField(max_length=200, help_text="Path of the page about it, on this site.")
    actor_name = models.TextField(blank=True)
    task_id = models.UUIDField(null=True, blank=True, help_text="Null where it is about a whole project or a team.")
    task_key = models.CharField(max_length=40, blank=True)
    task_title = models.TextField(blank=True)
    project_id = models.UUIDField(null=True, blank=True, help_text="Null where it is about a team.")
    project_name = models.TextField(blank=True)
    team_id = models.UUIDField(null=True, blank=True, help_text="Null where it is not about a team.")
    team_name = models.TextField(blank=True, default="", db_default="")
    due_date = models.DateField(null=True, blank=True)
    due_at = models.DateTimeField(null=True, blank=True)
    event_id = models.BigIntegerField()
    in_inbox = models.BooleanField(default=True, help_text="False: told by other channels only.")
    created_at = models.DateTimeField()
    read_at = models.DateTimeField(null=True, blank=True)

    objects = NotificationQuerySet.as_manager()

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
            models.Index(name="notification_by_age", fields=["created_at"]),
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def is_read(self) -> bool:
        return self.read_at is not None

    @property
    def subject(self) -> str:
        """What it is about, in the words of its people."""
        return self.task_title or self.project_name or self.team_name

    @property
    def about(self) -> NotificationTarget:
        return NotificationTarget(self.task_id, self.project_id, self.team_id)

    @property
    def reason(self) -> str:
        return get_reason(self.kind)


class OutgoingEmail(models.Model):
    """One message to one address. A worker claims the row, sends, and says at once what became of it.

    It says what its notification says; a mail about an account has none, and carries its own words.
    """

    class State(models.TextChoices):
        QUEUED = "queued", "Queued"
        SENDING = "sending", "Sending"
        SENT = "sent", "Sent"
        DEAD = "dead", "Given up"
        WITHDRAWN = "withdrawn", "Withdrawn"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    notification = models.OneToOneField(Notification, on_delete=models.CASCADE, related_name="email", null=True)
    kind = models.CharField(
        max_length=40, blank=True, default="", db_default="", help_text="Of a mail about an account."
    )
    encrypted_payload = models.TextField(
        blank=True, default="", db_default="", help_text="What such a mail says, encrypted; forgotten once it is sent."
    )
    to = models.EmailField(max_length=254)
    message_id = models.CharField(max_length=200)
    state = models.CharField(max_length=10, choices=State.choices, default=State.QUEUED)
    attempts = models.PositiveSmallIntegerField(default=0)
    next_attempt_at = models.DateTimeField()
    enqueued_at = models.DateTimeField(null=True, blank=True)
    claimed_at = models.DateTimeField(null=True, blank=True)
    sent_at = models.DateTimeField(null=True, blank=True)
    last_error = models.TextField(blank=True)

    objects = OutgoingEmailQuerySet.as_manager()

    class Meta:
        constraints = [
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
        ]

    def __str__(self) -> str:
        return f"{self.message_id} to {self.to}"


class Preference(models.Model):
    """What somebody said about one kind on one channel. No row means the default in `kinds.DEFAULTS`."""

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
