"""The library of reports: names, definitions, and how to build one.

query = report_query(user, now=now, project="OPS", range="84")
report = get_definition("throughput").build(query)
"""

from __future__ import annotations

import zoneinfo
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.utils.translation import gettext, gettext_noop

from accounts.models import User
from analytics.overview.selectors import scope_for
from analytics.reports import calibration, cycle_times, flow, forecast, people
from analytics.reports.results import DEFAULT_RANGE, Report, ReportPeriod, ReportQuery
from core.errors import NotFound
from tasks.projects.selectors import get_project
from tasks.saved_filters.selectors import get_saved_filter


@dataclass(frozen=True, slots=True)
class ReportDefinition:
    """Name, question and definition of a report; `inputs` are those beside project and range."""

    name: str
    title: str
    question: str
    definition: str
    icon_name: str
    build: Callable[[ReportQuery], Report]
    has_range: bool = True
    inputs: tuple[str, ...] = ()


LIBRARY = (
    ReportDefinition(
        "throughput",
        gettext_noop("Throughput"),
        gettext_noop("What did we deliver, and does work arrive faster than we finish it?"),
        gettext_noop(
            "Tasks created, completed and cancelled in each day or week, as they are now: a reopened task was never completed."
        ),
        "activity",
        flow.throughput,
    ),
    ReportDefinition(
        "burndown",
        gettext_noop("Burndown and burnup"),
        gettext_noop("How much remains, and did the scope change?"),
        gettext_noop(
            "The scope is what was open at the start plus what was created minus what was cancelled; the scope minus the "
            "completed tasks remains."
        ),
        "flame",
        flow.burndown,
        inputs=("filter",),
    ),
    ReportDefinition(
        "cumulative-flow",
        gettext_noop("Cumulative flow"),
        gettext_noop("Where does work pile up?"),
        gettext_noop(
            "Tasks that had arrived, were started and were closed by the end of each day or week: the gap between two lines "
            "is how many waited or were in progress. Lines instead of stacked areas, because in a stack only the lowest "
            "layer has a level base to be read from."
        ),
        "signal-high",
        flow.cumulative_flow,
    ),
    ReportDefinition(
        "cycle-time",
        gettext_noop("Cycle time"),
        gettext_noop("How long does a task take once we begin?"),
        gettext_noop(
            "Time from the first move to a status in progress, or from creation where there was none, to done."
        ),
        "timer",
        cycle_times.cycle_time,
    ),
    ReportDefinition(
        "lead-time",
        gettext_noop("Lead time"),
        gettext_noop("How long does somebody wait for a task?"),
        gettext_noop("Time from creation to done."),
        "clock",
        cycle_times.lead_time,
    ),
    ReportDefinition(
        "ageing",
        gettext_noop("Ageing work"),
        gettext_noop("What is stuck?"),
        gettext_noop("Open tasks that were started, the oldest first, beside the cycle times of the last 12 weeks."),
        "triangle-alert",
        cycle_times.ageing,
        has_range=False,
    ),
    ReportDefinition(
        "workload",
        gettext_noop("Workload"),
        gettext_noop("Who is overloaded or idle?"),
        gettext_noop(
            "Open and overdue tasks of each assignee now; a task of two people counts for both, and a task is overdue once "
            "its day has ended in UTC."
        ),
        "user",
        people.workload,
        has_range=False,
    ),
    ReportDefinition(
        "time",
        gettext_noop("Time tracking"),
        gettext_noop("Where did the time go?"),
        gettext_noop("Time logged on tasks, counted on the day on which an entry began."),
        "gauge",
        people.tracked_time,
    ),
    ReportDefinition(
        "forecast",
        gettext_noop("Forecast"),
        gettext_noop("When will it be done?"),
        "1,000 simulated futures, each drawing its weeks from the throughput of the last 12 weeks: 85 % of them have "
        "completed the remaining tasks by the second date. Twice the people are taken to complete twice as much.",
        "calendar",
        forecast.forecast,
        has_range=False,
        inputs=("remaining", "people"),
    ),
    ReportDefinition(
        "calibration",
        gettext_noop("Forecast calibration"),
        gettext_noop("Did past forecasts come true?"),
        gettext_noop(
            "For each of the past weeks, what the same simulation would have promised for the 4 weeks after it, from the 12 "
            "before it, beside what was completed: forecasts of 85 % should come true in 85 % of the cases."
        ),
        "circle-check",
        calibration.calibration,
        has_range=False,
    ),
)
BY_NAME = {definition.name: definition for definition in LIBRARY}


def get_definition(name: str) -> ReportDefinition:
    """Return a report by name. Raises NotFound."""
    if name not in BY_NAME:
        raise NotFound(gettext("There is no such report."))
    return BY_NAME[name]


def report_query(
    user: User,
    *,
    now: datetime,
    project: str = "",
    range: str = DEFAULT_RANGE,  # noqa: A002 -- as the parameter is called
    filter: str | UUID = "",  # noqa: A002
    remaining: int | None = None,
    people: int | None = None,
) -> ReportQuery:
    """Return the input of a report; it counts visible projects only.

    Raises NotFound for a project or saved filter that is not visible.
    """
    chosen = get_project(user, project) if project else None
    return ReportQuery(
        user=user,
        scope=scope_for(user, project_id=chosen.pk if chosen else None),
        period=ReportPeriod(now.astimezone(zoneinfo.ZoneInfo(user.time_zone)).date(), int(range), user.time_zone),
        now=now,
        project=chosen,
        saved_filter=get_saved_filter(user, filter) if filter else None,
        remaining=remaining,
        people=people,
    )
