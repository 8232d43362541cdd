"""Report of the forecast: when the remaining tasks will be completed, from the last 12 weeks' own throughput."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import date, timedelta

from django.utils import formats
from django.utils.translation import gettext

from analytics import cache
from analytics.models import DailyStat
from analytics.overview import selectors as overview_selectors
from analytics.overview.results import Period, Scope
from analytics.reports import flow
from analytics.reports.results import Column, Figure, Report, ReportPeriod, ReportQuery
from analytics.reports.simulation import MAX_WEEKS, day_at, days_needed, working_weeks

WEEKS = 12
SHARES = ((0.5, "50\u00a0%"), (0.85, "85\u00a0%"), (0.95, "95\u00a0%"))
# Rows of the table and bars of the chart.
MAX_BARS = 40


@dataclass(frozen=True, slots=True)
class Forecast:
    """Observed weeks, what remains, who works, and the trials."""

    weekly: tuple[int, ...]
    remaining: int
    open: int
    people: int
    current_people: int
    days: tuple[int | None, ...]


def forecast(query: ReportQuery) -> Report:
    """Return the dates by which shares of the simulated futures are done."""
    today = query.period.today
    result = simulate(query)
    dates: dict[float, date | None] = {}
    for share, _ in SHARES:
        days = day_at(result.days, share) if any(result.weekly) else None
        dates[share] = None if days is None else today + timedelta(days=days)
    if not any(result.weekly):
        finding = gettext("Nothing was completed in the last %(weeks)s weeks, so there is no forecast.") % {
            "weeks": WEEKS
        }
    elif not result.remaining:
        finding = gettext("No tasks remain.")
    else:
        finding = (
            f"{result.remaining:,} tasks remain. "
            + ", ".join(f"{name}: {_by(dates[share], today)}" for share, name in SHARES)
            + "."
        )
    finished = Counter(days // 7 for days in result.days if days is not None and result.remaining)
    last = min(max(finished, default=-1), min(finished, default=0) + MAX_BARS - 1)
    rows, total = [], 0
    for week in range(min(finished, default=0), last + 1):
        total += finished[week]
        start = today + timedelta(days=week * 7)
        rows.append(
            (
                start,
                start + timedelta(days=6),
                round(finished[week] * 100 / len(result.days), 1),
                round(total * 100 / len(result.days), 1),
            )
        )
    return Report(
        finding=finding,
        columns=(
            *flow.BUCKET_COLUMNS,
            Column("ends", gettext("Futures that end, %")),
            Column("done", gettext("Done by then, %")),
        ),
        rows=rows,
        figures=(
            *(
                Figure(
                    f"p{round(share * 100)}",
                    name,
                    dates[share],
                    _by(dates[share], today) if any(result.weekly) else "–",
                )
                for share, name in SHARES
            ),
            Figure("remaining", gettext("Remaining tasks"), result.remaining, f"{result.remaining:,}"),
            Figure("people", "People", result.people, f"{result.people:,}"),
        ),
        detail=result,
    )


def simulate(query: ReportQuery) -> Forecast:
    """Return the forecast of the scope, or of the query's what-if; cached."""
    key = cache.result_key("forecast", query.scope, query.period, query.remaining, query.people)
    return cache.get_cached(key, lambda: _simulate(query))


def _simulate(query: ReportQuery) -> Forecast:
    # Whole weeks up to yesterday: today is not over, and would look like a slow day.
    yesterday = query.period.today - timedelta(days=1)
    period = ReportPeriod(yesterday, WEEKS * 7, query.period.zone)
    weekly = working_weeks(flow.per_bucket(flow.read_flow(query.scope, period).completed, period.buckets()))
    day = overview_selectors.daily(query.scope, Period.ending(query.now.date(), length=1))[0]
    current = _people(query.scope, period.start, yesterday)
    people = current if query.people is None else query.people
    remaining = day.open if query.remaining is None else query.remaining
    days = days_needed(weekly, remaining, speed=people / current if current else 1.0)
    return Forecast(weekly, remaining, day.open, people, current, tuple(days))


def _people(scope: Scope, start: date, end: date) -> int:
    """Count the people who completed a task in these days (UTC)."""
    stats = DailyStat.objects.in_projects(scope.project_ids).by_user().between(start, end)
    return stats.filter(completed__gt=0).values("user_id").distinct().count()


def _by(day: date | None, today: date) -> str:
    """Return `by 12 Dec`, with the year where it is another."""
    if day is None:
        return f"later than in {MAX_WEEKS // 52} years"
    return f"by {formats.date_format(day, 'j M' if day.year == today.year else 'j M Y')}"
