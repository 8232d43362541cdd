from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from core.db import uuid7
from tasks.models.task import Task

# One week. A timer that runs longer was forgotten, and ends there.
MAX_ENTRY_MINUTES = 7 * 24 * 60
MAX_NOTE_LENGTH = 500


class TimeEntry(models.Model):
    """Time that a user worked on a task. Without an end it is a running timer."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    task = models.ForeignKey(Task, on_delete=models.CASCADE, related_name="time_entries", db_index=False)
    # PROTECT: an erased user keeps a row without a name, so that the totals stay right.
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="time_entries")
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    minutes = models.PositiveIntegerField(null=True, blank=True)
    note = models.CharField(max_length=MAX_NOTE_LENGTH, blank=True, default="")
    version = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user"], condition=Q(ended_at=None), name="a_user_has_one_running_timer"),
            models.CheckConstraint(
                name="a_time_entry_has_minutes_once_it_ended",
                condition=Q(ended_at=None, minutes=None) | Q(ended_at__isnull=False, minutes__isnull=False),
            ),
            models.CheckConstraint(
                name="a_time_entry_ends_after_it_started", condition=Q(ended_at=None) | Q(ended_at__gte=F("started_at"))
            ),
            models.CheckConstraint(
                name="a_time_entry_has_at_most_one_week", condition=Q(minutes=None) | Q(minutes__lte=MAX_ENTRY_MINUTES)
            ),
        ]
        indexes = [
            models.Index(fields=["task", "-started_at", "-id"], name="time_entry_of_task"),
            models.Index(fields=["started_at"], name="time_entry_started"),  # of a period, for the report
        ]

    def __str__(self) -> str:
        return f"{self.minutes} min on {self.task_id}"

    def end_at(self, now: datetime) -> tuple[datetime, int]:
        """Return when a timer ends if it is stopped now, and its minutes, rounded."""
        ended_at = min(max(now, self.started_at), self.started_at + timedelta(minutes=MAX_ENTRY_MINUTES))
        return ended_at, round((ended_at - self.started_at).total_seconds() / 60)
