from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import date
from typing import TYPE_CHECKING, Any, Self
from uuid import UUID

import orjson
from django.db import connection
from django.db.models import QuerySet
from django.utils import timezone

from analytics.histogram import EMPTY
from analytics.rollup import Amounts, Cell, TaskStanding

if TYPE_CHECKING:
    from analytics.models import DailyStat, TaskSnapshot

CHUNK = 1000
# Histograms travel as text, because unnest() would take an array of arrays apart.
ADD = """
INSERT INTO analytics_dailystat AS stat
    (day, project_id, person_id, created, completed, closed, overdue_change, cycle_histogram)
SELECT day, project_id, person_id, created, completed, closed, overdue_change, cycle_histogram::int[]
FROM unnest(%s::date[], %s::uuid[], %s::uuid[], %s::int[], %s::int[], %s::int[], %s::int[], %s::text[])
    AS change (day, project_id, person_id, created, completed, closed, overdue_change, cycle_histogram)
ON CONFLICT (day, project_id, person_id) DO UPDATE SET
    created = stat.created + excluded.created,
    completed = stat.completed + excluded.completed,
    closed = stat.closed + excluded.closed,
    overdue_change = stat.overdue_change + excluded.overdue_change,
    cycle_histogram = ARRAY(
        SELECT coalesce(kept, 0) + coalesce(added, 0)
        FROM unnest(stat.cycle_histogram, excluded.cycle_histogram) WITH ORDINALITY AS pair(kept, added, place)
        ORDER BY place
    )
"""

# In the order of ids, in which every writer takes the rows it needs.
CREATE = """
INSERT INTO analytics_tasksnapshot
SELECT * FROM jsonb_populate_recordset(NULL::analytics_tasksnapshot, %s) ORDER BY task_id
ON CONFLICT (task_id) DO NOTHING RETURNING task_id
"""


class TaskSnapshotQuerySet(QuerySet["TaskSnapshot"]):
    def standings(self) -> Iterator[TaskStanding]:
        return map(_standing, self.values_list(*TaskStanding._fields).iterator(chunk_size=5000))

    def create_missing(self, standings: Iterable[TaskStanding]) -> set[UUID]:
        """Insert the snapshots that do not exist yet; returns the tasks whose they are."""
        now = timezone.now()
        rows = [{**standing._asdict(), "counted_at": now} for standing in standings]
        with connection.cursor() as cursor:
            cursor.execute(CREATE, [orjson.dumps(rows).decode()])
            return {task_id for (task_id,) in cursor.fetchall()}

    def lock(self, task_ids: Collection[UUID]) -> dict[UUID, TaskStanding]:
        """Keep these snapshots from changing until the transaction ends; returns what they say."""
        if not task_ids:
            return {}
        rows = self.filter(pk__in=task_ids).order_by("task_id").select_for_update()
        return {row[0]: _standing(row) for row in rows.values_list(*TaskStanding._fields)}

    def put(self, standings: Iterable[TaskStanding]) -> None:
        """Insert or replace the snapshots of these tasks."""
        self.bulk_create(
            [self.model(**standing._asdict()) for standing in standings],
            update_conflicts=True,
            unique_fields=["task_id"],
            update_fields=[*TaskStanding._fields[1:], "counted_at"],
            batch_size=CHUNK,
        )

    def lock_against_writers(self) -> None:
        """Until the transaction ends nobody else changes any statistics: every writer begins with a snapshot."""
        with connection.cursor() as cursor:
            cursor.execute("LOCK TABLE analytics_tasksnapshot IN SHARE ROW EXCLUSIVE MODE")


class DailyStatQuerySet(QuerySet["DailyStat"]):
    def in_projects(self, project_ids: Collection[UUID]) -> Self:
        return self.filter(project_id__in=project_ids)

    def of_person(self, person_id: UUID | None) -> Self:
        """Of one person, or, for None, of everybody together."""
        return self.filter(person_id=person_id)

    def by_person(self) -> Self:
        return self.filter(person_id__isnull=False)

    def until(self, day: date) -> Self:
        return self.filter(day__lte=day)

    def before(self, day: date) -> Self:
        return self.filter(day__lt=day)

    def between(self, start: date, end: date) -> Self:
        return self.filter(day__gte=start, day__lte=end)

    def add(self, changes: Mapping[Cell, Amounts]) -> None:
        """Add to the rows of these cells, in one order for all writers, so that none waits for another in a circle."""
        rows = [_row(cell, changes[cell]) for cell in sorted(changes, key=lambda cell: cell.rank)]
        with connection.cursor() as cursor:
            for start in range(0, len(rows), CHUNK):
                columns = zip(*rows[start : start + CHUNK], strict=True)
                cursor.execute(ADD, [list(column) for column in columns])

    def contents(self) -> dict[Cell, Amounts]:
        """Return every row as the rollup's own values."""
        columns = ("created", "completed", "closed", "overdue_change", "cycle_histogram")
        rows = self.values_list("day", "project_id", "person_id", *columns).iterator(chunk_size=5000)
        return {
            Cell(day, project, person): Amounts(
                created, completed, closed, change, tuple(cycles) if any(cycles) else EMPTY
            )
            for day, project, person, created, completed, closed, change, cycles in rows
        }


def _standing(row: tuple[Any, ...]) -> TaskStanding:
    standing = TaskStanding._make(row)
    return standing._replace(assignee_ids=tuple(standing.assignee_ids))


def _row(cell: Cell, amounts: Amounts) -> tuple[object, ...]:
    counts = (amounts.created, amounts.completed, amounts.closed, amounts.overdue_change)
    histogram = ",".join(map(str, amounts.cycle_histogram))
    return (*cell, *counts, f"{{{histogram}}}")
