"""Reports of people: workload and tracked time."""

from __future__ import annotations

from collections import Counter
from datetime import date

from django.db.models import Count, F, Sum
from django.utils.translation import gettext

from analytics.overview import selectors as overview_selectors
from analytics.overview.results import Period
from analytics.reports.flow import BUCKET_COLUMNS, per_bucket
from analytics.reports.results import Column, Figure, Report, ReportQuery
from core.time_zones import LocalDay
from tasks.models import TimeEntry

MAX_PEOPLE_LISTED = 500


def workload(query: ReportQuery) -> Report:
    """Return open and overdue tasks of each assignee, the most overdue first."""
    result = overview_selectors.overview(query.scope, Period.ending(query.now.date(), length=1))
    people = result.workload[:MAX_PEOPLE_LISTED]
    overdue = sum(load.overdue for load in result.workload)
    finding = gettext("No open tasks are assigned.")
    if people:
        top = max(people, key=lambda load: load.open)
        finding = (
            f"{len(result.workload):,} {'person has' if len(result.workload) == 1 else 'people have'} open tasks; "
            f"{top.name} has the most ({top.open:,})."
        )
    return Report(
        finding=finding,
        columns=(Column("person", "Person", "text"), Column("open", "Open"), Column("overdue", "Overdue")),
        rows=[(load.name, load.open, load.overdue) for load in people],
        row_count=len(result.workload),
        figures=(
            Figure("people", "People", len(result.workload), f"{len(result.workload):,}"),
            Figure("overdue", gettext("Overdue assignments"), overdue, f"{overdue:,}"),
        ),
        detail=[str(load.user_id) for load in people],
    )


def tracked_time(query: ReportQuery) -> Report:
    """Return the logged minutes of each day or week; `detail` has those of each person."""
    period = query.period
    entries = TimeEntry.objects.filter(
        task__project__in=query.scope.project_ids, started_at__gte=period.start_instant, ended_at__isnull=False
    )
    per_day = entries.annotate(day=LocalDay(F("started_at"), period.sql_zone)).values_list("day")
    days: Counter[date] = Counter(dict(per_day.annotate(minutes=Sum("minutes"))))
    people = list(
        entries.values_list("user__name")
        .annotate(minutes=Sum("minutes"), entries=Count("*"))
        .order_by("-minutes", "user__name", "user")[:MAX_PEOPLE_LISTED]
    )
    buckets = period.buckets()
    total = sum(days.values())
    finding = gettext("No time was logged in this period.")
    if people:
        finding = f"{format_minutes(total)} were logged by {len(people):,} {'person' if len(people) == 1 else 'people'}"
        finding += f", most by {people[0][0]} ({format_minutes(people[0][1])})."
    return Report(
        finding=finding,
        columns=(*BUCKET_COLUMNS, Column("minutes", "Logged", "minutes")),
        rows=[
            (bucket.start, bucket.end, minutes)
            for bucket, minutes in zip(buckets, per_bucket(days, buckets), strict=True)
        ],
        figures=(
            Figure("minutes", "Logged", total, format_minutes(total)),
            Figure("people", "People", len(people), f"{len(people):,}"),
        ),
        detail=people,
    )


def format_minutes(minutes: int) -> str:
    """Write minutes as hours and minutes: `45 min`, `6 h 30 min`."""
    hours, rest = divmod(minutes, 60)
    return " ".join(
        part
        for part in (
            f"{hours:,} h" if hours else "",
            gettext("%(rest)s min") % {"rest": rest} if rest or not hours else "",
        )
        if part
    )
