from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from datetime import date
from typing import TYPE_CHECKING, Self
from uuid import UUID

from django.db import connection
from django.db.models import QuerySet

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


class TaskSnapshotQuerySet(QuerySet["TaskSnapshot"]):
    def standings(self) -> Iterator[TaskStanding]:
        for row in self.values_list(*TaskStanding._fields).iterator(chunk_size=5000):
            standing = TaskStanding._make(row)
            yield standing._replace(assignee_ids=tuple(standing.assignee_ids))

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


def _row(cell: Cell, amounts: Amounts) -> tuple[object, ...]:
    counts = (amounts.created, amounts.completed, amounts.closed, amounts.overdue_change)
    histogram = ",".join(map(str, amounts.cycle_histogram))
    return (*cell, *counts, f"{{{histogram}}}")
