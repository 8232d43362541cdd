from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from core.db import uuid7
from tasks.models.task import Task

MAX_MINUTES_BEFORE = 525_600
MAX_DAYS_BEFORE = 365


class Reminder(models.Model):
    """A user's own reminder of a task: at an instant, some time before it is due, or at a time of a day before.

    A trigger clears `fires_at` when the task's due date changes; the job computes it anew from then on.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    task = models.ForeignKey(Task, on_delete=models.CASCADE, related_name="reminders", db_index=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="task_reminders")
    at = models.DateTimeField(null=True, blank=True)
    minutes_before = models.PositiveIntegerField(null=True, blank=True)
    days_before = models.PositiveSmallIntegerField(null=True, blank=True)
    time = models.TimeField(null=True, blank=True, help_text="In the user's time zone; together with days_before.")
    # None: not computed yet, or the task has no due date.
    fires_at = models.DateTimeField(null=True, editable=False)
    # Whether `fires_at` must be computed by the job.
    is_stale = models.BooleanField(default=False, editable=False)
    # Since when it holds: what lies before is past and does not fire.
    since = models.DateTimeField(default=timezone.now, editable=False)
    sent_at = models.DateTimeField(null=True, editable=False)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="a_reminder_is_of_one_kind",
                condition=Q(at__isnull=False, minutes_before=None, days_before=None, time=None)
                | Q(at=None, minutes_before__isnull=False, days_before=None, time=None)
                | Q(at=None, minutes_before=None, days_before__isnull=False, time__isnull=False),
            ),
            models.CheckConstraint(
                name="a_reminder_is_at_most_a_year_before",
                condition=(Q(minutes_before=None) | Q(minutes_before__lte=MAX_MINUTES_BEFORE))
                & (Q(days_before=None) | Q(days_before__lte=MAX_DAYS_BEFORE)),
            ),
            models.UniqueConstraint(
                fields=["task", "user", "at", "minutes_before", "days_before", "time"],
                name="a_user_sets_a_reminder_once",
                nulls_distinct=False,
            ),
        ]
        indexes = [
            models.Index(
                fields=["fires_at"], condition=Q(sent_at=None, fires_at__isnull=False), name="reminder_fires_at"
            ),
            models.Index(fields=["id"], condition=Q(is_stale=True), name="reminder_stale"),
        ]

    def __str__(self) -> str:
        return f"{self.user_id} of {self.task_id}"
