"""Task snapshots and daily statistics."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import date
from typing import Any, Self
from uuid import UUID

import orjson
from django.contrib.postgres.fields import ArrayField
from django.db import connection, models
from django.db.models import Q, QuerySet

from analytics.rollups.histogram import BUCKET_COUNT, EMPTY_HISTOGRAM
from analytics.rollups.rollup import Amounts, Cell, TaskState
from core.clock import current_time
from core.request_statistics import RequestCounts

# Rows of one statement; a rebuild writes as many as the log has tasks.
BATCH_SIZE = 1000
# Histograms are passed as text, because unnest() flattens an array of arrays.
ADD_SQL = """
INSERT INTO analytics_dailystat AS stat
    (day, project_id, user_id, created, completed, closed, overdue_change, cycle_histogram)
SELECT day, project_id, user_id, created, completed, closed, overdue_change, cycle_histogram::int[]
FROM unnest(%s::date[], %s::uuid[], %s::uuid[], %s::int[], %s::int[], %s::int[], %s::int[], %s::text[])
    AS change (day, project_id, user_id, created, completed, closed, overdue_change, cycle_histogram)
ON CONFLICT (day, project_id, user_id) DO UPDATE SET
    created = stat.created + excluded.created,
    completed = stat.completed + excluded.completed,
    closed = stat.closed + excluded.closed,
    overdue_change = stat.overdue_change + excluded.overdue_change,
    cycle_histogram = ARRAY(
        SELECT coalesce(stored, 0) + coalesce(added, 0)
        FROM unnest(stat.cycle_histogram, excluded.cycle_histogram) WITH ORDINALITY AS pair(stored, added, bucket)
        ORDER BY bucket
    )
"""

# Rows are inserted in the order of ids, the order in which every writer locks them.
CREATE_SQL = """
INSERT INTO analytics_tasksnapshot
SELECT * FROM jsonb_populate_recordset(NULL::analytics_tasksnapshot, %s) ORDER BY task_id
ON CONFLICT (task_id) DO NOTHING RETURNING task_id
"""


class TaskSnapshotQuerySet(QuerySet["TaskSnapshot"]):
    def counted(self) -> Self:
        """Snapshots of the tasks that exist."""
        return self.filter(deleted=False)

    def in_projects(self, project_ids: Collection[UUID]) -> Self:
        return self.filter(project_id__in=project_ids)

    def in_progress(self) -> Self:
        """Snapshots of open tasks that were started."""
        return self.filter(closed_at=None, started_at__isnull=False)

    def task_states(self) -> Iterator[TaskState]:
        """Yield the states of all snapshots, read in chunks."""
        return map(_task_state, self.values_list(*TaskState._fields).iterator(chunk_size=5000))

    def create_missing(self, task_states: Iterable[TaskState]) -> set[UUID]:
        """Insert the snapshots that do not exist yet; return the ids of their tasks."""
        now = current_time()
        rows = [{**task_state._asdict(), "counted_at": now} for task_state in task_states]
        with connection.cursor() as cursor:
            # JSON instead of arrays: one parameter for all rows, and the column types come from the table itself.
            cursor.execute(CREATE_SQL, [orjson.dumps(rows).decode()])
            return {task_id for (task_id,) in cursor.fetchall()}

    def lock(self, task_ids: Collection[UUID]) -> dict[UUID, TaskState]:
        """Lock these snapshots until the transaction ends, and return their states by task id."""
        if not task_ids:
            return {}
        # Ordered, so that two writers with overlapping tasks lock in one order and cannot deadlock.
        rows = self.filter(pk__in=task_ids).order_by("task_id").select_for_update()
        return {row[0]: _task_state(row) for row in rows.values_list(*TaskState._fields)}

    def upsert(self, task_states: Iterable[TaskState]) -> None:
        """Insert or replace the snapshots of these tasks."""
        self.bulk_create(
            [self.model(**task_state._asdict()) for task_state in task_states],
            update_conflicts=True,
            unique_fields=["task_id"],
            update_fields=[*TaskState._fields[1:], "counted_at"],
            batch_size=BATCH_SIZE,
        )

    def lock_table(self) -> None:
        """Block all writers of statistics until the transaction ends: each begins with a snapshot."""
        with connection.cursor() as cursor:
            # This mode excludes writers and itself; readers need ACCESS SHARE, which it allows.
            cursor.execute("LOCK TABLE analytics_tasksnapshot IN SHARE ROW EXCLUSIVE MODE")


class DailyStatQuerySet(QuerySet["DailyStat"]):
    def in_projects(self, project_ids: Collection[UUID]) -> Self:
        return self.filter(project_id__in=project_ids)

    def for_user(self, user_id: UUID | None) -> Self:
        """Rows of one user, or with None those of all users together."""
        return self.filter(user_id=user_id)

    def by_user(self) -> Self:
        """Rows of single users, without those of all users together."""
        return self.filter(user_id__isnull=False)

    def until(self, day: date) -> Self:
        """Rows of this day and all before."""
        return self.filter(day__lte=day)

    def before(self, day: date) -> Self:
        return self.filter(day__lt=day)

    def between(self, start: date, end: date) -> Self:
        """Rows of the days from `start` to `end`, both included."""
        return self.filter(day__gte=start, day__lte=end)

    def add(self, changes: Mapping[Cell, Amounts]) -> None:
        """Add amounts to the rows of these cells.

        All writers do so in the order of Cell.rank, so that they cannot deadlock.
        """
        rows = []
        for cell in sorted(changes, key=lambda cell: cell.rank):
            amounts = changes[cell]
            counts = (amounts.created, amounts.completed, amounts.closed, amounts.overdue_change)
            histogram = ",".join(map(str, amounts.cycle_histogram))
            # An array literal of PostgreSQL: {1,0,2}.
            rows.append((*cell, *counts, f"{{{histogram}}}"))
        with connection.cursor() as cursor:
            for start in range(0, len(rows), BATCH_SIZE):
                columns = zip(*rows[start : start + BATCH_SIZE], strict=True)
                cursor.execute(ADD_SQL, [list(column) for column in columns])

    def contents(self) -> dict[Cell, Amounts]:
        """Return all rows as cells and amounts."""
        columns = ("created", "completed", "closed", "overdue_change", "cycle_histogram")
        rows = self.values_list("day", "project_id", "user_id", *columns).iterator(chunk_size=5000)
        return {
            Cell(day, project_id, user_id): Amounts(
                # The shared empty tuple makes additions cheap (see Amounts.__add__).
                created,
                completed,
                closed,
                change,
                tuple(cycles) if any(cycles) else EMPTY_HISTOGRAM,
            )
            for day, project_id, user_id, created, completed, closed, change, cycles in rows
        }


def _task_state(row: tuple[Any, ...]) -> TaskState:
    task_state = TaskState._make(row)
    return task_state._replace(assignee_ids=tuple(task_state.assignee_ids))


class TaskSnapshot(models.Model):
    """State of a task according to its newest event, as far as statistics need it."""

    task_id = models.UUIDField(primary_key=True, editable=False)
    # No foreign keys: a snapshot outlives its task and project, so that late events of deleted tasks are recognised.
    project_id = models.UUIDField()
    assignee_ids = ArrayField(models.UUIDField(), blank=True)
    created_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True, blank=True)
    closed_at = models.DateTimeField(null=True, blank=True)
    category = models.CharField(max_length=20)
    due = models.DateField(null=True, blank=True, help_text="Due day in UTC.")
    priority = models.PositiveSmallIntegerField()
    version = models.PositiveIntegerField()
    deleted = models.BooleanField(default=False)
    counted_at = models.DateTimeField(auto_now=True)

    objects = TaskSnapshotQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(name="snapshot_last_counted", fields=["-counted_at"]),
            # What the reports read: tasks created, started or closed in a period, and those in progress.
            models.Index(name="snapshot_created", fields=["project_id", "created_at"], condition=Q(deleted=False)),
            models.Index(
                name="snapshot_started",
                fields=["project_id", "started_at"],
                condition=Q(deleted=False, started_at__isnull=False),
            ),
            models.Index(
                name="snapshot_closed",
                fields=["project_id", "closed_at", "task_id"],
                include=["category", "started_at", "created_at"],
                condition=Q(deleted=False, closed_at__isnull=False),
            ),
            models.Index(
                name="snapshot_in_progress",
                fields=["project_id", "started_at", "task_id"],
                condition=Q(deleted=False, closed_at=None, started_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.task_id} at version {self.version}"


class DailyStat(models.Model):
    """Statistics of one day (UTC) and project: of one assignee, or the total (no user).

    The number of open tasks at the end of a day is the running sum of `created - closed`, the number of overdue tasks
    that of `overdue_change`. The buckets of `cycle_histogram` are those of analytics.rollups.histogram.
    """

    day = models.DateField()
    # No foreign keys, as in TaskSnapshot: events may arrive after the project or user was deleted.
    project_id = models.UUIDField()
    user_id = models.UUIDField(null=True, blank=True)
    created = models.IntegerField(default=0)
    completed = models.IntegerField(default=0)
    closed = models.IntegerField(default=0, help_text="Completed and cancelled.")
    overdue_change = models.IntegerField(default=0)
    cycle_histogram = ArrayField(models.IntegerField(), size=BUCKET_COUNT)

    objects = DailyStatQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="one_stat_per_day_project_and_user",
                fields=["day", "project_id", "user_id"],
                # Only one row without a user per day and project.
                nulls_distinct=False,
            )
        ]
        indexes = [
            # Covers the sums over all days before a period, which are read by every request that is not cached.
            models.Index(
                name="stat_running_sums",
                fields=["user_id", "project_id", "day"],
                include=["created", "closed", "overdue_change"],
            ),
        ]

    def __str__(self) -> str:
        return f"{self.day} {self.project_id} {self.user_id or 'all'}"


class RequestStatistics(models.Model):
    """Requests of one minute or one hour, of all nodes; kept 48 hours and 90 days.

    `routes` has the routes on which most time was spent: [[route, buckets, client errors, server errors], ...].
    """

    class Period(models.TextChoices):
        MINUTE = "minute"
        HOUR = "hour"

    period = models.CharField(max_length=6, choices=Period)
    start = models.DateTimeField()
    buckets = ArrayField(models.PositiveIntegerField(), help_text="Requests by duration: core.request_statistics.")
    client_errors = models.PositiveIntegerField()
    server_errors = models.PositiveIntegerField()
    rate_limited = models.PositiveIntegerField()
    shed = models.PositiveIntegerField()
    routes = models.JSONField(default=list, blank=True)

    class Meta:
        verbose_name_plural = "request statistics"
        constraints = [
            models.UniqueConstraint(name="one_row_per_period", fields=["period", "start"]),
            models.CheckConstraint(name="period_is_known", condition=Q(period__in=["minute", "hour"])),
        ]

    def __str__(self) -> str:
        return f"{self.period} from {self.start:%Y-%m-%d %H:%M}"

    @property
    def counts(self) -> RequestCounts:
        """Return the counts of all requests."""
        return RequestCounts(self.buckets, self.client_errors, self.server_errors, self.rate_limited, self.shed)

    @property
    def counts_by_route(self) -> dict[str, RequestCounts]:
        """Return the counts of the busiest routes."""
        return {name: RequestCounts(buckets, client, server) for name, buckets, client, server in self.routes}
