"""The event log and the deliveries of its events."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db import models
from django.db.models import OuterRef, Q
from django.db.models.functions import Now

from events import personal_data

# The hash before the first event; SHA-256 in hexadecimal has 64 digits.
FIRST_HASH = "0" * 64
# With the doubling wait, the last attempt follows 17 minutes after the first.
MAX_ATTEMPTS = 10


class EventManager(models.Manager["Event"]):
    def get_queryset(self) -> models.QuerySet[Event]:
        """Load events with the personal values of their payloads, except those of erased users."""
        values = PersonalData.objects.filter(event_id=OuterRef("pk")).values("data")
        return super().get_queryset().annotate(personal_values=ArraySubquery(values))  # type: ignore[no-redef]


class Event(models.Model):
    """A domain event, stored in the transaction that made it true.

    `id` is the order of insertion. `position` is gap-free; the relay sets it in commit order, together with `hash` =
    SHA-256(previous hash || canonical JSON of the event). It also moves the personal values of the payload to
    PersonalData then: the hash covers `commitments` to them, {user id: commitment}, so they can be erased without a
    change of the log. A trigger refuses changes of events that have a position.
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
    commitments = models.JSONField(default=dict, db_default={}, blank=True)
    append_error = models.TextField(
        blank=True,
        default="",
        db_default="",
        help_text="Why the relay could not append the event to the log; no consumer gets it.",
    )

    objects = EventManager()

    class Meta:
        # Also for refresh_from_db(), which would lose the personal values otherwise.
        base_manager_name = "objects"
        constraints = [
            models.CheckConstraint(
                name="event_position_and_hash_are_given_together",
                condition=Q(position=None, hash="") | (Q(position__isnull=False) & ~Q(hash="")),
            ),
        ]
        indexes = [
            # Partial, so it holds only what the relay has not read yet, however long the log is.
            models.Index(fields=["id"], condition=Q(position=None, append_error=""), name="event_unsequenced"),
            models.Index(fields=["id"], condition=~Q(append_error=""), name="event_set_aside"),
            models.Index(fields=["subject_id", "-id"], name="event_by_subject"),
            models.Index(fields=["-id"], condition=Q(subject_type="user"), name="event_about_users"),
        ]

    def __str__(self) -> str:
        return f"{self.name} #{self.pk}"

    def split_payload(self, *, only: uuid.UUID | None = None) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return the payload without personal values, and these by user id: of actor and subject, or `only` of one."""
        subject_id = self.subject_id if self.subject_type == "user" else None
        user_ids = {str(user_id) for user_id in (self.actor_id, subject_id) if user_id and only in {None, user_id}}
        return personal_data.split(
            self.payload,
            user_ids=user_ids,
            subject_user_id=str(subject_id) if str(subject_id) in user_ids else "",
        )

    @property
    def personal_values(self) -> None:
        """Loaded by the manager, and merged into the payload at once."""

    @personal_values.setter
    def personal_values(self, parts: Iterable[Any]) -> None:
        for part in parts:
            # A raw query gives JSON as text.
            personal_data.merge(self.payload, json.loads(part) if isinstance(part, str) else part)


class PersonalData(models.Model):
    """The personal values of one user in one event: [[path in the payload, value], ...].

    The event's commitment to them is HMAC-SHA256(salt, values). Erasing the user deletes values and salt, after which
    the commitment says nothing about them.
    """

    # Without a constraint of the database: it stays when the event is archived.
    event = models.ForeignKey(Event, on_delete=models.CASCADE, related_name="+", db_constraint=False)
    user_id = models.UUIDField()
    salt = models.BinaryField()
    data = models.JSONField()

    class Meta:
        verbose_name_plural = "personal data"
        constraints = [
            models.UniqueConstraint(fields=["event", "user_id"], name="an_event_has_one_part_for_each_user"),
        ]
        indexes = [models.Index(fields=["user_id"], name="personal_data_by_user")]

    def __str__(self) -> str:
        return f"{self.user_id} in event {self.event_id}"


class LogHead(models.Model):
    """The single row with the end of the log. Its lock is what makes positions gap-free."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    position = models.BigIntegerField(default=0)
    hash = models.CharField(max_length=64, default=FIRST_HASH)

    class Meta:
        constraints = [models.CheckConstraint(name="there_is_one_log_head", condition=Q(id=1))]

    def __str__(self) -> str:
        return f"position {self.position}"


class ArchivedEvents(models.Model):
    """A stretch of the log that is in a file (events/archive.py). The stretches are the beginning of the log."""

    first_position = models.BigIntegerField(unique=True)
    last_position = models.BigIntegerField(unique=True)
    previous_hash = models.CharField(max_length=64)
    last_hash = models.CharField(max_length=64)
    event_count = models.PositiveIntegerField()
    last_occurred_at = models.DateTimeField()
    file_name = models.CharField(max_length=200)
    sha256 = models.CharField(max_length=64)
    archived_at = models.DateTimeField(db_default=Now())

    class Meta:
        verbose_name_plural = "archived events"
        constraints = [
            models.CheckConstraint(
                name="archived_events_have_no_gap",
                condition=Q(last_position=models.F("first_position") + models.F("event_count") - 1),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.first_position} to {self.last_position}"


class DeliveryQuerySet(models.QuerySet["Delivery"]):
    def late(self, by: timedelta) -> DeliveryQuerySet:
        """Deliveries that have been due for so long, by the clock of the database."""
        return self.filter(state=Delivery.State.PENDING, next_attempt_at__lte=Now() - by)


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


def storable_error(error: Exception) -> str:
    """Return an error as text that a column can hold: no NUL, no lone surrogate, 2,000 characters at most."""
    return f"{type(error).__name__}: {error}".replace("\0", "").encode(errors="replace").decode()[:2000]


def retry_delay(attempts: int) -> timedelta:
    """Return the wait after so many failed attempts: 2 s, doubling up to an hour."""
    return timedelta(seconds=min(2**attempts, 3600))
