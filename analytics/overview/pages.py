"""The overview: what a team lead looks at every morning."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any
from urllib.parse import urlencode

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts.auth.requests import get_request_user
from accounts.models import User
from analytics.overview import charts, selectors
from analytics.overview.results import Kpi, Overview, Period
from core.htmx import render_page
from tasks.filters import selectors as filters_selectors
from tasks.items import page_queries
from tasks.items.activity import activity_entries, mentioned_user_ids
from tasks.models import Project
from tasks.projects.selectors import get_project

RANGES = {"7": "7 days", "28": "28 days", "90": "90 days"}
DEFAULT_RANGE = "28"
MAX_ATTENTION_TASKS = 8
MAX_ACTIVITY_ENTRIES = 10


@dataclass(frozen=True, slots=True)
class KpiCard:
    """One figure, what it was before, and the address of exactly the rows it counts."""

    name: str
    icon_name: str
    value: str
    note: str
    url: str
    points: str
    trend: str = ""


@login_required
@require_safe
def overview(request: HttpRequest) -> HttpResponse:
    reader = get_request_user(request)
    project = get_project(reader, key) if (key := request.GET.get("project", "")) else None
    chosen = request.GET.get("range", DEFAULT_RANGE)
    chosen = chosen if chosen in RANGES else DEFAULT_RANGE
    period = Period.ending(datetime.now(UTC).date(), length=int(chosen))
    scope = selectors.scope_for(reader, project_id=project.pk if project else None)
    figures = selectors.overview(scope, period)
    context = {
        "scope_project": project,
        "projects": filters_selectors.filter_choices(reader).projects,
        "ranges": [(key, words, key == chosen) for key, words in RANGES.items()],
        "range": chosen,
        "range_label": RANGES[chosen],
        "as_of": figures.as_of,
        "cards": kpi_cards(figures, project),
        "flow": charts.flow_chart(
            [charts.FlowPoint(day.date, day.date, day.created, day.completed) for day in figures.days]
        ),
        "cycle": charts.cycle_time_chart([bar.count for bar in figures.histogram]),
        "workload": charts.workload_chart(figures.workload),
        **_task_lists(reader, project),
    }
    return render_page(request, "analytics/overview.html", context, fragments={"overview": "analytics/_overview.html"})


def _task_lists(user: User, project: Project | None) -> dict[str, Any]:
    now, today = timezone.now(), timezone.localdate()
    facts = page_queries.list_recent_activity(user, project, limit=MAX_ACTIVITY_ENTRIES)
    return {
        "attention": page_queries.list_overdue(user, project, now=now, today=today, limit=MAX_ATTENTION_TASKS),
        "activity": activity_entries(facts, names=page_queries.user_names(mentioned_user_ids(facts)), states={}),
    }


def kpi_cards(figures: Overview, project: Project | None) -> list[KpiCard]:
    """The six figures, in the order of the questions: how much, how late, in, out, how long, how fast."""
    start = figures.period.start
    before = f"{figures.period.length} days before"
    done = _task_list_since_url(project, "closed_from", start, "done")
    newest_done = _task_list_since_url(project, "closed_from", start, "done", ordering="-closed_at")
    return [
        _kpi_card("Open", "circle", figures.open, f"than {before}", _task_list_url(project)),
        _kpi_card(
            "Overdue",
            "triangle-alert",
            figures.overdue,
            f"than {before}",
            _task_list_url(project, due="overdue"),
            bad=1,
        ),
        _kpi_card(
            "Created",
            "plus",
            figures.created,
            f"than in the {before}",
            _task_list_since_url(project, "created_from", start, "all"),
        ),
        _kpi_card("Completed", "circle-check", figures.completed, f"than in the {before}", done, bad=-1),
        _cycle_time_card(figures, newest_done),
        _throughput_card(figures, newest_done),
    ]


def _task_list_url(project: Project | None, **filters: str) -> str:
    asked = ({"project": project.key} if project else {}) | filters
    return reverse("task-list") + (f"?{urlencode(asked)}" if asked else "")


def _task_list_since_url(project: Project | None, name: str, day: date, category: str, **more: str) -> str:
    return _task_list_url(project, category=category, **{name: day.isoformat()}, **more)


def _kpi_card(name: str, icon_name: str, kpi: Kpi, compared: str, url: str, *, bad: int = 0) -> KpiCard:
    """`bad` is the direction that is no good news: 1 for more, -1 for less, 0 when neither is."""
    change = round(kpi.change or 0)
    trend = "bad" if bad and change * bad > 0 else "ok" if bad and change * bad < 0 else ""
    words = (
        f"{abs(change):,} {'more' if change > 0 else 'fewer'} {compared}"
        if change
        else f"same as {compared.split(' ', 1)[1]}"
    )
    return KpiCard(name, icon_name, f"{round(kpi.value or 0):,}", words, url, _sparkline(kpi.series), trend)


def _cycle_time_card(figures: Overview, url: str) -> KpiCard:
    slow = charts.format_duration(figures.cycle_p85.value)
    value = charts.format_duration(figures.cycle_median.value)
    note = f"85 in 100 within {slow}" if figures.cycle_p85.value is not None else "nothing completed yet"
    return KpiCard("Cycle time, median", "timer", value, note, url, _sparkline(figures.cycle_median.series))


def _throughput_card(figures: Overview, url: str) -> KpiCard:
    pace, before = figures.throughput.value or 0, figures.throughput.previous or 0
    note = f"{before:.1f} in the {figures.period.length} days before"
    return KpiCard("Completed per day", "gauge", f"{pace:.1f}", note, url, _sparkline(figures.throughput.series))


def _sparkline(series: Sequence[float | None]) -> str:
    return charts.sparkline_points([value for value in series if value is not None])
