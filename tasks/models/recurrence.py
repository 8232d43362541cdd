from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy

from core.db import uuid7
from tasks.models.task import Task

MAX_EXCEPTIONS = 100


class RecurrenceMode(models.TextChoices):
    FIXED = "fixed", gettext_lazy("By schedule")
    AFTER_COMPLETION = "after_completion", gettext_lazy("After completion")


class Recurrence(models.Model):
    """A series of tasks. `task` is the current one; closing it, or missing it, creates the next.

    `starts_on` is the first day of the series in its time zone, `occurs_on` the day of the current task by the rule,
    which stays when somebody moves that task's due date. Without a `time_of_day` the tasks are due all day.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    task = models.OneToOneField(Task, on_delete=models.CASCADE, related_name="recurrence")
    rule = models.CharField(max_length=500, help_text="RRULE of RFC 5545.")
    mode = models.CharField(max_length=16, choices=RecurrenceMode, default=RecurrenceMode.FIXED)
    time_zone = models.CharField(max_length=60)
    starts_on = models.DateField()
    time_of_day = models.TimeField(null=True, blank=True)
    exceptions = ArrayField(models.DateField(), default=list, blank=True, help_text="Days without an occurrence.")
    occurs_on = models.DateField()
    number = models.PositiveIntegerField(default=1, help_text="Number of the current task in the series.")
    first_number = models.PositiveIntegerField(default=1, help_text="Number of the first task by this rule.")
    # When the current task is missed, so that the next one must exist; none without a next one, and none for a series
    # that waits for a completion.
    missed_at = models.DateTimeField(null=True, editable=False)
    version = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.CheckConstraint(name="a_recurrence_has_a_rule", condition=~Q(rule="")),
            models.CheckConstraint(name="a_recurrence_has_a_known_mode", condition=Q(mode__in=RecurrenceMode.values)),
            models.CheckConstraint(
                name="a_recurrence_has_at_most_100_exceptions", condition=Q(exceptions__len__lte=MAX_EXCEPTIONS)
            ),
            models.CheckConstraint(
                name="a_series_after_completion_misses_nothing",
                condition=Q(mode=RecurrenceMode.FIXED) | Q(missed_at=None),
            ),
        ]
        indexes = [
            models.Index(fields=["missed_at"], condition=Q(missed_at__isnull=False), name="recurrence_missed_at"),
        ]

    def __str__(self) -> str:
        return self.rule


class Occurrence(models.Model):
    """A task of a series, by its number. The constraint lets two people, or two schedulers, create it once."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    recurrence = models.ForeignKey(Recurrence, on_delete=models.CASCADE, related_name="occurrences", db_index=False)
    number = models.PositiveIntegerField()
    task = models.OneToOneField(Task, on_delete=models.CASCADE, related_name="occurrence")
    occurs_on = models.DateField(help_text="Day by the rule, in the time zone of the series.")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["recurrence", "number"], name="a_series_has_one_task_of_each_number"),
        ]

    def __str__(self) -> str:
        return f"{self.recurrence_id} {self.number}"
