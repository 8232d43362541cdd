"""The event log and the deliveries of its events."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import models
from django.db.models import Q

# The hash before the first event; SHA-256 in hexadecimal has 64 digits.
FIRST_HASH = "0" * 64
# With the doubling wait, the last attempt follows 17 minutes after the first.
MAX_ATTEMPTS = 10


class Event(models.Model):
    """A domain event, stored in the transaction that made it true.

    `id` is the order of insertion. `position` is gap-free; the relay sets it in commit order, together with `hash` =
    SHA-256(previous hash || canonical JSON of the event).
    """

    id = models.BigAutoField(primary_key=True)
    name = models.CharField(max_length=60)
    version = models.PositiveSmallIntegerField(default=1)
    # No foreign keys: the log outlives the rows it is about, and is written by apps it does not know.
    actor_id = models.UUIDField(null=True)
    subject_type = models.CharField(max_length=40)
    subject_id = models.UUIDField()
    payload = models.JSONField()
    occurred_at = models.DateTimeField()
    position = models.BigIntegerField(null=True, unique=True)
    hash = models.CharField(max_length=64, default="")
    redacted_at = models.DateTimeField(null=True, help_text="When the personal data of an erased user were removed.")

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="event_position_and_hash_are_given_together",
                condition=Q(position=None, hash="") | (Q(position__isnull=False) & ~Q(hash="")),
            ),
        ]
        indexes = [
            # Partial, so it holds only what the relay has not read yet, however long the log is.
            models.Index(fields=["id"], condition=Q(position=None), name="event_unsequenced"),
            models.Index(fields=["subject_id", "-id"], name="event_by_subject"),
            models.Index(fields=["-id"], condition=Q(subject_type="user"), name="event_about_users"),
        ]

    def __str__(self) -> str:
        return f"{self.name} #{self.pk}"


class LogHead(models.Model):
    """The single row with the end of the log. Its lock is what makes positions gap-free."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    position = models.BigIntegerField(default=0)
    hash = models.CharField(max_length=64, default=FIRST_HASH)

    class Meta:
        constraints = [models.CheckConstraint(name="there_is_one_log_head", condition=Q(id=1))]

    def __str__(self) -> str:
        return f"position {self.position}"


class DeliveryQuerySet(models.QuerySet["Delivery"]):
    def due(self, now: datetime) -> DeliveryQuerySet:
        return self.filter(state=Delivery.State.PENDING, next_attempt_at__lte=now)


class Delivery(models.Model):
    """One consumer's delivery of one event, finished in the transaction of the consumer's own work."""

    class State(models.TextChoices):
        PENDING = "pending"
        DONE = "done"
        DEAD = "dead"

    event = models.ForeignKey(Event, on_delete=models.CASCADE, related_name="deliveries")
    consumer = models.CharField(max_length=120)
    state = models.CharField(max_length=10, choices=State, default=State.PENDING)
    attempts = models.PositiveSmallIntegerField(default=0)
    next_attempt_at = models.DateTimeField()
    last_error = models.TextField(blank=True, default="")
    finished_at = models.DateTimeField(null=True)

    objects = DeliveryQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "deliveries"
        constraints = [
            models.UniqueConstraint(fields=["event", "consumer"], name="an_event_is_delivered_once_to_each_consumer"),
            models.CheckConstraint(
                name="a_delivery_is_finished_when_it_is_done",
                condition=Q(state="done", finished_at__isnull=False) | (~Q(state="done") & Q(finished_at=None)),
            ),
        ]
        indexes = [
            # Partial as well: finished deliveries are nearly all rows and leave the index.
            models.Index(fields=["next_attempt_at"], condition=Q(state="pending"), name="delivery_due"),
            models.Index(fields=["id"], condition=Q(state="dead"), name="delivery_dead"),
        ]

    def __str__(self) -> str:
        return f"{self.event_id} to {self.consumer}"


def retry_delay(attempts: int) -> timedelta:
    """Return the exponential backoff after so many failed attempts: 2 s, doubling up to an hour."""
    return timedelta(seconds=min(2**attempts, 3600))
