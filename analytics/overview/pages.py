"""Page of the overview: figures, charts, overdue tasks and recent activity."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from urllib.parse import urlencode

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext, gettext_noop
from django.views.decorators.http import require_safe

from accounts.auth.requests import get_request_user
from analytics.overview import charts, linked_lists, selectors
from analytics.overview.results import Kpi, Overview, Period
from core.clock import current_time
from core.htmx import render_page
from tasks.custom_fields import selectors as custom_fields_selectors
from tasks.home.selectors import DEFAULT_HOME, home_url
from tasks.items import page_queries
from tasks.items.activity import activity_entries, mentioned_user_ids
from tasks.models import Project
from tasks.projects.selectors import get_project, list_current_projects

RANGES = {"7": gettext_noop("7 days"), "28": gettext_noop("28 days"), "90": gettext_noop("90 days")}
DEFAULT_RANGE = "28"
# Longer lists do not fit beside the charts; the page links to the full ones.
MAX_ATTENTION_TASKS = 8
MAX_ACTIVITY_ENTRIES = 10
MAX_WORKLOAD_ROWS = 15


@dataclass(frozen=True, slots=True)
class KpiCard:
    """A figure, its change, and the URL of exactly the tasks it counts."""

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
    """Show the overview; its bare address leads to the page that the user begins with."""
    user = get_request_user(request)
    if not request.META.get("QUERY_STRING") and user.home != DEFAULT_HOME and (url := home_url(user)):
        return HttpResponseRedirect(url)
    project = get_project(user, key) if (key := request.GET.get("project", "")) else None
    # An unknown range is no error: the URL may come from an old bookmark.
    chosen = request.GET.get("range", DEFAULT_RANGE)
    chosen = chosen if chosen in RANGES else DEFAULT_RANGE
    # Statistics have UTC days, whatever time zone the reader is in; lists of tasks use the reader's.
    period = Period.ending(current_time().date(), length=int(chosen))
    projects = list_current_projects(user)
    scope = selectors.scope_for(user, project_id=project.pk if project else None)
    result = selectors.overview(scope, period)
    now, today = current_time(), timezone.localdate(current_time())
    result = replace(
        result,
        **linked_lists.exact_kpis(user, project, result, now=now, today=today, current=[row.pk for row in projects]),
    )
    events = page_queries.list_recent_activity(user, project, limit=MAX_ACTIVITY_ENTRIES)
    context = {
        "scope_project": project,
        "projects": projects,
        "ranges": [(key, gettext(label), key == chosen) for key, label in RANGES.items()],
        "range": chosen,
        "range_label": gettext(RANGES[chosen]),
        # Shown on the page: events are counted some moments after the change.
        "as_of": result.as_of,
        "cards": kpi_cards(result, project),
        "my_day": linked_lists.my_day(user, project, now=now, today=today),
        "flow": charts.flow_chart(
            [charts.FlowPoint(day.date, day.date, day.created, day.completed) for day in result.days]
        ),
        "cycle": charts.cycle_time_chart([bucket.count for bucket in result.histogram]),
        "workload": charts.workload_chart(result.workload[:MAX_WORKLOAD_ROWS]),
        "people_with_work": len(result.workload),
        "attention": page_queries.list_overdue(user, project, now=now, today=today, limit=MAX_ATTENTION_TASKS),
        "activity": activity_entries(
            events,
            names=page_queries.user_names(mentioned_user_ids(events)),
            states={},
            fields=custom_fields_selectors.fields_in_events(events),
        ),
    }
    return render_page(request, "analytics/overview.html", context, fragments={"overview": "analytics/_overview.html"})


def kpi_cards(result: Overview, project: Project | None) -> list[KpiCard]:
    """Return the six cards: open, overdue, created, completed, cycle time and completed per day."""
    start, length = result.period.start.isoformat(), result.period.length
    done = {"category": "done", "closed_from": start}
    newest_done_url = _task_list_url(project, **done, ordering="-closed_at")
    slow = charts.format_duration(result.cycle_p85.value)
    return [
        _count_card(
            gettext("Open"),
            "circle",
            result.open,
            gettext("%(length)s days ago") % {"length": length},
            _task_list_url(project),
        ),
        _count_card(
            gettext("Overdue"),
            "triangle-alert",
            result.overdue,
            gettext("%(length)s days ago") % {"length": length},
            _task_list_url(project, due="overdue"),
            bad_direction=1,
        ),
        _count_card(
            gettext("Created"),
            "plus",
            result.created,
            gettext("previous %(length)s days") % {"length": length},
            _task_list_url(project, category="all", created_from=start),
        ),
        _count_card(
            gettext("Completed"),
            "circle-check",
            result.completed,
            gettext("previous %(length)s days") % {"length": length},
            _task_list_url(project, **done),
            bad_direction=-1,
        ),
        KpiCard(
            gettext("Cycle time, median"),
            "timer",
            charts.format_duration(result.cycle_median.value),
            gettext("nothing completed yet")
            if result.cycle_p85.value is None
            else gettext("%(share)s within %(duration)s") % {"share": "85\u00a0%", "duration": slow},
            newest_done_url,
            _sparkline(result.cycle_median.series),
        ),
        KpiCard(
            gettext("Completed per day"),
            "gauge",
            f"{result.throughput.value or 0:.1f}",
            gettext("%(number)s in the previous %(length)s days")
            % {"number": f"{result.throughput.previous or 0:.1f}", "length": length},
            newest_done_url,
            _sparkline(result.throughput.series),
        ),
    ]


def _task_list_url(project: Project | None, **filters: str) -> str:
    params = ({"project": project.key} if project else {}) | filters
    return reverse("task-list") + (f"?{urlencode(params)}" if params else "")


def _count_card(name: str, glyph: str, kpi: Kpi, compared_to: str, url: str, *, bad_direction: int = 0) -> KpiCard:
    """Return the card of a count; `bad_direction` is 1 if more is worse, -1 if less is worse, else 0."""
    change = round(kpi.change or 0)
    trend = ""
    if bad_direction and change:
        trend = "bad" if change * bad_direction > 0 else "ok"
    note = f"{change:+,} vs {compared_to}" if change else "no change"
    return KpiCard(name, glyph, f"{round(kpi.value or 0):,}", note, url, _sparkline(kpi.series), trend)


def _sparkline(series: Sequence[float | None]) -> str:
    return charts.sparkline_points([value for value in series if value is not None])
