from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models

from analytics.histogram import BUCKETS
from analytics.querysets import DailyStatQuerySet, TaskSnapshotQuerySet


class TaskSnapshot(models.Model):
    """What the newest fact about a task said, as far as statistics care."""

    task_id = models.UUIDField(primary_key=True, editable=False)
    project_id = models.UUIDField()
    assignee_ids = ArrayField(models.UUIDField(), blank=True)
    created_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True, blank=True)
    closed_at = models.DateTimeField(null=True, blank=True)
    category = models.CharField(max_length=20)
    due = models.DateField(null=True, blank=True, help_text="The day it is due, in UTC.")
    priority = models.PositiveSmallIntegerField()
    version = models.PositiveIntegerField()
    deleted = models.BooleanField(default=False)
    counted_at = models.DateTimeField(auto_now=True)

    objects = TaskSnapshotQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(name="snapshot_last_counted", fields=["-counted_at"])]

    def __str__(self) -> str:
        return f"{self.task_id} at version {self.version}"


class DailyStat(models.Model):
    """The numbers of one day (UTC) of one project, for one person or, with no person, for everybody together.

    Open at the end of a day is the running sum of `created - closed`, overdue that of `overdue_change`.
    The buckets of `cycle_histogram` are those of analytics.histogram.
    """

    day = models.DateField()
    project_id = models.UUIDField()
    person_id = models.UUIDField(null=True, blank=True)
    created = models.IntegerField(default=0)
    completed = models.IntegerField(default=0)
    closed = models.IntegerField(default=0, help_text="Completed and cancelled.")
    overdue_change = models.IntegerField(default=0)
    cycle_histogram = ArrayField(models.IntegerField(), size=BUCKETS)

    objects = DailyStatQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="one_row_per_day_project_and_person",
                fields=["day", "project_id", "person_id"],
                nulls_distinct=False,
            )
        ]
        indexes = [
            models.Index(
                name="stat_running_sums",
                fields=["person_id", "project_id", "day"],
                include=["created", "closed", "overdue_change"],
            ),
        ]

    def __str__(self) -> str:
        return f"{self.day} {self.project_id} {self.person_id or 'everybody'}"
