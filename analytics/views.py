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

from accounts.callers import person_of
from accounts.models import User
from analytics import charts, selectors
from analytics.figures import Kpi, Overview, Period
from core.htmx import page
from tasks.models import Project
from tasks.selectors import get_project, pages
from tasks.timeline import entries, people_in

RANGES = {"7": "7 days", "28": "28 days", "90": "90 days"}
USUAL_RANGE = "28"
SHOWN_TASKS = 8
SHOWN_FACTS = 10


@dataclass(frozen=True, slots=True)
class Card:
    """One figure, what it was before, and the address of exactly the rows it counts."""

    name: str
    glyph: str
    value: str
    note: str
    url: str
    points: str
    mood: str = ""


@login_required
@require_safe
def overview(request: HttpRequest) -> HttpResponse:
    reader = person_of(request)
    project = get_project(reader, key) if (key := request.GET.get("project", "")) else None
    chosen = request.GET.get("range", USUAL_RANGE)
    chosen = chosen if chosen in RANGES else USUAL_RANGE
    period = Period.ending(datetime.now(UTC).date(), length=int(chosen))
    scope = selectors.scope_for(reader, project_id=project.pk if project else None)
    figures = selectors.overview(scope, period)
    context = {
        "scope_project": project,
        "projects": pages.choices(reader).projects,
        "ranges": [(key, words, key == chosen) for key, words in RANGES.items()],
        "range": chosen,
        "range_words": RANGES[chosen],
        "as_of": figures.as_of,
        "cards": cards(figures, project),
        "flow": charts.flow([charts.Flow(day.date, day.date, day.created, day.completed) for day in figures.days]),
        "cycle": charts.cycle_times([bar.count for bar in figures.histogram]),
        "workload": charts.workload(figures.workload),
        **_lists(reader, project),
    }
    return page(request, "analytics/overview.html", context, fragments={"overview": "analytics/_overview.html"})


def _lists(user: User, project: Project | None) -> dict[str, Any]:
    now, today = timezone.now(), timezone.localdate()
    facts = pages.recent_activity(user, project, limit=SHOWN_FACTS)
    return {
        "attention": pages.needs_attention(user, project, now=now, today=today, limit=SHOWN_TASKS),
        "activity": entries(facts, names=pages.names_of(people_in(facts)), states={}),
    }


def cards(figures: Overview, project: Project | None) -> list[Card]:
    """The six figures, in the order of the questions: how much, how late, in, out, how long, how fast."""
    start = figures.period.start
    before = f"{figures.period.length} days before"
    done = _since(project, "closed_from", start, "done")
    newest_done = _since(project, "closed_from", start, "done", ordering="-closed_at")
    return [
        _card("Open", "circle", figures.open, f"than {before}", _list(project)),
        _card("Overdue", "triangle-alert", figures.overdue, f"than {before}", _list(project, due="overdue"), bad=1),
        _card(
            "Created", "plus", figures.created, f"than in the {before}", _since(project, "created_from", start, "all")
        ),
        _card("Completed", "circle-check", figures.completed, f"than in the {before}", done, bad=-1),
        _time_card(figures, newest_done),
        _pace_card(figures, newest_done),
    ]


def _list(project: Project | None, **filters: str) -> str:
    asked = ({"project": project.key} if project else {}) | filters
    return reverse("task-list") + (f"?{urlencode(asked)}" if asked else "")


def _since(project: Project | None, name: str, day: date, category: str, **more: str) -> str:
    return _list(project, category=category, **{name: day.isoformat()}, **more)


def _card(name: str, glyph: str, kpi: Kpi, compared: str, url: str, *, bad: int = 0) -> Card:
    """`bad` is the direction that is no good news: 1 for more, -1 for less, 0 when neither is."""
    change = round(kpi.change or 0)
    mood = "bad" if bad and change * bad > 0 else "ok" if bad and change * bad < 0 else ""
    words = (
        f"{abs(change):,} {'more' if change > 0 else 'fewer'} {compared}"
        if change
        else f"same as {compared.split(' ', 1)[1]}"
    )
    return Card(name, glyph, f"{round(kpi.value or 0):,}", words, url, _points(kpi.series), mood)


def _time_card(figures: Overview, url: str) -> Card:
    slow = charts.duration(figures.cycle_p85.value)
    value = charts.duration(figures.cycle_median.value)
    note = f"85 in 100 within {slow}" if figures.cycle_p85.value is not None else "nothing completed yet"
    return Card("Cycle time, median", "timer", value, note, url, _points(figures.cycle_median.series))


def _pace_card(figures: Overview, url: str) -> Card:
    pace, before = figures.throughput.value or 0, figures.throughput.previous or 0
    note = f"{before:.1f} in the {figures.period.length} days before"
    return Card("Completed per day", "gauge", f"{pace:.1f}", note, url, _points(figures.throughput.series))


def _points(series: Sequence[float | None]) -> str:
    return charts.sparkline([value for value in series if value is not None])
