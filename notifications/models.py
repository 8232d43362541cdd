from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q

from core.db import uuid7
from notifications.kinds import Channel, Kind, reason_of
from notifications.querysets import NotificationQuerySet, OutgoingEmailQuerySet
from notifications.subjects import Subject


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
            models.UniqueConstraint(name="nobody_is_told_twice_of_one_event", fields=["event_id", "recipient", "kind"]),
            models.CheckConstraint(name="notification_kind_is_known", condition=Q(kind__in=Kind.values)),
            models.CheckConstraint(
                name="notification_is_about_a_task_a_project_or_a_team",
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
    def about(self) -> Subject:
        return Subject(self.task_id, self.project_id, self.team_id)

    @property
    def reason(self) -> str:
        return reason_of(self.kind)


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
    sealed = models.TextField(
        blank=True, default="", db_default="", help_text="What such a mail says, encrypted; forgotten once it is sent."
    )
    to = models.EmailField(max_length=254)
    message_id = models.CharField(max_length=200)
    state = models.CharField(max_length=10, choices=State.choices, default=State.QUEUED)
    attempts = models.PositiveSmallIntegerField(default=0)
    next_attempt_at = models.DateTimeField()
    handed_over_at = models.DateTimeField(null=True, blank=True)
    claimed_at = models.DateTimeField(null=True, blank=True)
    sent_at = models.DateTimeField(null=True, blank=True)
    last_error = models.TextField(blank=True)

    objects = OutgoingEmailQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(name="message_id_names_one_email", fields=["message_id"]),
            models.CheckConstraint(
                name="an_email_is_of_a_notification_or_about_an_account",
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
