"""Reads of the operations page: request statistics of a range, the slowest routes, and the panels of all parts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.utils.translation import gettext
from redis.exceptions import RedisError

from accounts.models import User
from analytics.models import RequestStatistics
from core import redis
from core.errors import NotFound, require
from core.request_statistics import RequestCounts, counts_by_route, redis_key, total_of
from core.status_panels import PANELS, Action, Panel, PanelState, collect_panels

MAX_SLOW_ROUTES = 10
# Routes with fewer requests are no evidence.
MIN_REQUESTS = 5


@dataclass(frozen=True, slots=True)
class Range:
    """A range of the charts: how long it is, and how long is one point."""

    key: str
    label: str
    length: timedelta
    step: timedelta
    period: str


RANGES = {
    one.key: one
    for one in (
        Range("1h", "1 hour", timedelta(hours=1), timedelta(minutes=1), "minute"),
        Range("6h", "6 hours", timedelta(hours=6), timedelta(minutes=5), "minute"),
        Range("24h", "24 hours", timedelta(hours=24), timedelta(minutes=15), "minute"),
        Range("7d", "7 days", timedelta(days=7), timedelta(hours=1), "hour"),
    )
}


@dataclass(frozen=True, slots=True)
class Point:
    """The requests of one step of a range; without counts nothing was recorded."""

    start: datetime
    seconds: int
    counts: RequestCounts | None

    @property
    def rate(self) -> float | None:
        """Return requests per second."""
        return None if self.counts is None else round(self.counts.total / self.seconds, 2)

    @property
    def error_share(self) -> float | None:
        """Return the share of 5xx answers in percent."""
        if self.counts is None or not self.counts.total:
            return None
        return round(100 * self.counts.server_errors / self.counts.total, 2)

    @property
    def p50(self) -> float | None:
        return self._percentile(0.5)

    @property
    def p95(self) -> float | None:
        return self._percentile(0.95)

    @property
    def p99(self) -> float | None:
        return self._percentile(0.99)

    def _percentile(self, share: float) -> float | None:
        return None if self.counts is None else self.counts.percentile_ms(share)


@dataclass(frozen=True, slots=True)
class SlowRoute:
    """A route with its requests, its errors and how long they took."""

    name: str
    counts: RequestCounts

    @property
    def p50(self) -> float | None:
        return self.counts.percentile_ms(0.5)

    @property
    def p95(self) -> float | None:
        return self.counts.percentile_ms(0.95)


@dataclass(frozen=True, slots=True)
class OperationsReport:
    """All that the operations page shows. `recent_error` says why the newest minutes are missing."""

    range: Range
    at: datetime
    points: list[Point]
    total: Point
    slow_routes: list[SlowRoute]
    panels: list[PanelState]
    recent_error: str = ""


def operations_report(user: User, *, range_key: str, now: datetime) -> OperationsReport:
    """Return the report for an administrator. Raises NotAllowed."""
    require_operator(user)
    chosen = RANGES[range_key]
    end = now.replace(second=0, microsecond=0) + timedelta(minutes=1)
    start = end - chosen.length
    totals, routes = _stored(chosen, start)
    recent_error = ""
    if chosen.period == "minute":
        try:
            _add_recent(totals, routes, end)
        except RedisError as error:
            recent_error = type(error).__name__
    points = list(_points(chosen, start, end, totals))
    seen = [point.counts for point in points if point.counts is not None]
    slow = sorted(
        (SlowRoute(name, counts) for name, counts in routes.items() if counts.total >= MIN_REQUESTS),
        key=lambda route: route.p95 or 0,
        reverse=True,
    )
    total = Point(start, int(chosen.length.total_seconds()), total_of(seen) if seen else None)
    return OperationsReport(chosen, now, points, total, slow[:MAX_SLOW_ROUTES], collect_panels(), recent_error)


def require_operator(user: User) -> None:
    """Raise NotAllowed unless the user may see and do what operators do."""
    require(user.is_admin, "Only administrators can see the operations page.")


def get_action(panel_key: str, action_key: str) -> tuple[Panel, Action]:
    """Return an action of a panel. Raises NotFound."""
    panel = PANELS.get(panel_key)
    for action in panel.actions if panel else ():
        if panel is not None and action.key == action_key:
            return panel, action
    raise NotFound(gettext("There is no such action."))


def _stored(chosen: Range, start: datetime) -> tuple[dict[datetime, RequestCounts], dict[str, RequestCounts]]:
    totals: dict[datetime, RequestCounts] = {}
    routes: dict[str, RequestCounts] = {}
    rows = RequestStatistics.objects.filter(period=chosen.period, start__gte=start).order_by("start")
    for row in rows:
        totals[row.start] = row.counts
        for name, counts in row.counts_by_route.items():
            routes.setdefault(name, RequestCounts()).add(counts)
    return totals, routes


def _add_recent(totals: dict[datetime, RequestCounts], routes: dict[str, RequestCounts], end: datetime) -> None:
    """Add the newest minutes, which have no row yet. Raises RedisError."""
    last = int(end.timestamp() // 60)
    minutes = [minute for minute in range(last - 15, last) if datetime.fromtimestamp(minute * 60, UTC) not in totals]
    with redis.optional_client() as client:
        pipeline = client.pipeline(transaction=False)
        for minute in minutes:
            pipeline.hgetall(redis_key(minute))
        hashes = pipeline.execute()
    for minute, fields in zip(minutes, hashes, strict=True):
        if by_route := counts_by_route(fields):
            totals[datetime.fromtimestamp(minute * 60, UTC)] = total_of(by_route.values())
            for name, counts in by_route.items():
                routes.setdefault(name, RequestCounts()).add(counts)


def _points(chosen: Range, start: datetime, end: datetime, totals: dict[datetime, RequestCounts]) -> Iterable[Point]:
    step = chosen.step
    if chosen.period == "hour":
        start = start.replace(minute=0)
    while start < end:
        parts = [counts for at, counts in totals.items() if start <= at < start + step]
        yield Point(start, int(step.total_seconds()), total_of(parts) if parts else None)
        start += step
