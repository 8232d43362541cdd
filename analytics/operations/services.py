"""Roll-up of the request statistics: from Redis to rows of minutes, and from these to rows of hours."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta

from django.db import transaction

from analytics.models import RequestStatistics
from core import redis
from core.request_statistics import RequestCounts, counts_by_route, redis_key, total_of

# Of a minute that has ended; a node writes its last counts within five seconds, and more while Redis is slow.
SETTLED_AFTER = timedelta(seconds=30)
# Minutes that are read again each time, for nodes that were late.
READ_BACK = 10
MAX_ROUTES = 20
KEEP_MINUTES, KEEP_HOURS = timedelta(hours=48), timedelta(days=90)
Period = RequestStatistics.Period
Routes = Mapping[str, RequestCounts]


def roll_up(*, now: datetime) -> int:
    """Store the minutes that have ended, and the hours; delete what is too old. Returns the number of minutes stored.

    It may run twice or late: it writes the same rows again, as far back as Redis has the minutes.
    """
    last = int((now - SETTLED_AFTER).timestamp() // 60)
    newest = RequestStatistics.objects.filter(period=Period.MINUTE).order_by("-start").first()
    oldest = last - 170  # the minutes that Redis still has
    first = max(oldest, int(newest.start.timestamp() // 60) - READ_BACK) if newest else oldest
    minutes = range(first, last)
    pipeline = redis.client().pipeline(transaction=False)
    for minute in minutes:
        pipeline.hgetall(redis_key(minute))
    rows = [
        _row(Period.MINUTE, datetime.fromtimestamp(minute * 60, UTC), counts_by_route(fields))
        for minute, fields in zip(minutes, pipeline.execute(), strict=True)
        # A minute without requests has no row, and one that Redis has lost keeps the row that it has.
        if fields
    ]
    with transaction.atomic():
        _upsert(rows)
        _upsert(_hours(now, {row.start.replace(minute=0) for row in rows}))
        retention = {Period.MINUTE: KEEP_MINUTES, Period.HOUR: KEEP_HOURS}
        for period, age in retention.items():
            RequestStatistics.objects.filter(period=period, start__lt=now - age).delete()
    return len(rows)


def _hours(now: datetime, starts: Iterable[datetime]) -> list[RequestStatistics]:
    """Return the rows of the hours to which these minutes belong, of all their minutes."""
    rows = []
    for start in sorted(starts):
        stored = RequestStatistics.objects.filter(
            period=Period.MINUTE, start__gte=start, start__lt=start + timedelta(hours=1)
        )
        routes: dict[str, RequestCounts] = {}
        total = RequestCounts()
        for minute in stored:
            total.add(minute.counts)
            for name, counts in minute.counts_by_route.items():
                routes.setdefault(name, RequestCounts()).add(counts)
        rows.append(_row(Period.HOUR, start, routes, total))
    return rows


def _row(period: str, start: datetime, routes: Routes, total: RequestCounts | None = None) -> RequestStatistics:
    total = total or total_of(routes.values())
    busiest = sorted(routes, key=lambda name: routes[name].seconds_spent, reverse=True)[:MAX_ROUTES]
    return RequestStatistics(
        period=period,
        start=start,
        buckets=total.buckets,
        client_errors=total.client_errors,
        server_errors=total.server_errors,
        rate_limited=total.rate_limited,
        shed=total.shed,
        routes=[
            [name, routes[name].buckets, routes[name].client_errors, routes[name].server_errors] for name in busiest
        ],
    )


def _upsert(rows: list[RequestStatistics]) -> None:
    RequestStatistics.objects.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["period", "start"],
        update_fields=["buckets", "client_errors", "server_errors", "rate_limited", "shed", "routes"],
    )
