from __future__ import annotations

from django.db import transaction

from analytics import cache
from analytics.models import DailyStat, TaskSnapshot
from analytics.rollup import TaskStanding, contributions, difference


@transaction.atomic
def record(*, standing: TaskStanding) -> bool:
    """Count how a task stands now instead of how it stood; returns False when that was no news.

    The snapshot's row is created uncounted, then locked, so of two facts that arrive together the second one sees
    what the first one counted. The statistics' rows follow, in the order of Cell.rank.
    """
    held = _lock(standing)
    if not standing.supersedes(held.standing):
        return False
    DailyStat.objects.add(difference(contributions(standing), contributions(held.standing)))
    TaskSnapshot(**standing._asdict()).save(force_update=True)
    cache.forget()
    return True


def _lock(standing: TaskStanding) -> TaskSnapshot:
    uncounted = standing._replace(version=0, deleted=False)
    TaskSnapshot.objects.bulk_create([TaskSnapshot(**uncounted._asdict())], ignore_conflicts=True)
    return TaskSnapshot.objects.select_for_update().get(pk=standing.task_id)
