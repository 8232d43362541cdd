from __future__ import annotations

from collections.abc import Iterable

from django.db import transaction

from analytics import cache
from analytics.models import DailyStat, TaskSnapshot
from analytics.rollup import TaskStanding, contributions, difference, newest, total


@transaction.atomic(savepoint=False)
def record(*, standings: Iterable[TaskStanding]) -> int:
    """Count how tasks stand now instead of how they stood; returns of how many that was news.

    Snapshots that are missing are created, then the others locked, each in the order of ids, so of two facts that
    arrive together the second one sees what the first one counted. The statistics' rows follow, in the order of
    Cell.rank. Nobody waits for a snapshot who holds a row of statistics, so nobody waits in a circle.
    """
    told = newest(standings)
    created = TaskSnapshot.objects.create_missing(told.values())
    held = TaskSnapshot.objects.lock(told.keys() - created)
    news = {key: standing for key, standing in told.items() if key in created or standing.supersedes(held[key])}
    if news:
        before = total(contributions(held[key]) for key in news.keys() & held.keys())
        DailyStat.objects.add(difference(total(map(contributions, news.values())), before))
        TaskSnapshot.objects.put(news[key] for key in news.keys() & held.keys())
        cache.forget()
    return len(news)
