"""Calendar of a project, or of all visible tasks: what is due on which day."""

from __future__ import annotations

from datetime import date
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import formats, timezone
from django.utils.translation import gettext, gettext_noop
from django.views.decorators.http import require_POST, require_safe

from accounts.auth.requests import get_request_user
from accounts.models import User
from core.clock import current_time
from core.errors import Conflict, Invalid, NotFound, VersionConflict
from core.forms import parse_uuid
from core.htmx import render_page, report_error, requested_fragment, sender_url
from tasks.calendar import selectors, services
from tasks.calendar.forms import MoveTaskForm
from tasks.calendar.periods import TASKS_PER_DAY, Period, period_of
from tasks.filters.list_filter import ListFilter
from tasks.items import selectors as items_selectors
from tasks.items.pages import filter_listed_tasks
from tasks.models import Project
from tasks.projects import selectors as projects_selectors
from tasks.undo.tokens import add_undo_message

FRAGMENTS = {"calendar": "tasks/_calendar.html"}
VIEWS = {"month": gettext_noop("Month"), "week": gettext_noop("Week"), "agenda": gettext_noop("Agenda")}


@login_required
@require_safe
def calendar(request: HttpRequest, key: str = "") -> HttpResponse:
    """Show the calendar of a project, or without a key of all visible tasks; htmx gets the days alone."""
    reader = get_request_user(request)
    project = projects_selectors.get_project(reader, key) if key else None
    context = calendar_context(reader, project, request.GET)
    return render_page(request, "tasks/calendar.html", context, fragments=FRAGMENTS)


def calendar_context(reader: User, project: Project | None, query: QueryDict) -> dict[str, Any]:
    """Return the context of a calendar. The query string is that of the page, also after a form was sent."""
    now = current_time()
    list_filter, rows = filter_listed_tasks(reader, query, now=now, project=project)
    today = timezone.localdate(now)
    # Without a view in the URL a wide screen shows the month, a narrow one its agenda.
    view = query.get("view", "") if query.get("view") in VIEWS else ""
    period = period_of(view or "month", parse_day(query.get("date", "")) or today, reader.week_start)
    schedule = selectors.load_schedule(
        reader,
        rows,
        period.first,
        period.last,
        sql_zone=list_filter.filters.zone,
        per_day=TASKS_PER_DAY[period.view],
        now=now,
    )
    days = schedule.days
    picked = schedule.find(parse_uuid(query.get("task", "")))
    urls = {name: calendar_url(query, date=day and day.isoformat()) for name, day in _neighbours(period).items()}
    return {
        "project": project,
        "ancestors": projects_selectors.visible_ancestors(reader, project) if project else [],
        "view": "calendar",
        "form": list_filter.form,
        "list_filter": list_filter,
        "chips": list_filter.chips,
        "period": period,
        "period_title": _title(period),
        "calendar_view": view,
        "views": [(name, gettext(label), calendar_url(query, view=name)) for name, label in VIEWS.items()],
        "weeks": [days[start : start + 7] for start in range(0, len(days), 7)],
        "agenda": [day for day in days if (day.entries and period.contains(day.date)) or day.date == today],
        "schedule": schedule,
        "today": today,
        "today_url": calendar_url(query, date=None),
        **urls,
        "picked": picked if picked and picked.is_movable else None,
        "pick_url": f"{calendar_url(query)}&task=",
        "move_url": reverse("project-calendar-move", args=[project.key]) if project else reverse("calendar-move"),
        "calendar_url": f"{_path(project)}?{query.urlencode()}",
        "list_url": _list_url(list_filter, project),
    }


def _neighbours(period: Period) -> dict[str, date | None]:
    return {"previous_url": period.previous, "next_url": period.next}


def _title(period: Period) -> str:
    if period.view == "month":
        return formats.date_format(period.month, "F Y")
    pattern = gettext("j M") if period.first.year == period.last.year else gettext("j M Y")
    return f"{formats.date_format(period.first, pattern)} – {formats.date_format(period.last, gettext('j M Y'))}"


def parse_day(text: str) -> date | None:
    """Return the day of a query string; None if it is none."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def calendar_url(query: QueryDict, **values: str | None) -> str:
    """Return the query string of the calendar with other values; None drops one."""
    changed = query.copy()
    for name in ("task", "cursor", "page", *values):
        changed.pop(name, None)
    for name, value in values.items():
        if value is not None:
            changed[name] = value
    return f"?{changed.urlencode()}"


def _path(project: Project | None) -> str:
    return reverse("project-calendar", args=[project.key]) if project else reverse("calendar")


def _list_url(list_filter: ListFilter, project: Project | None) -> str:
    """Return the URL of the list with the same filter; a day is added to it."""
    text = f"({list_filter.text}) " if list_filter.text else ""
    path = reverse("project-detail", args=[project.key]) if project else reverse("task-list")
    return f"{path}?{urlencode({'filter': f'{text}due:'})}"


@login_required
@require_POST
def move_task(request: HttpRequest, key: str = "") -> HttpResponse:
    """Move a task to another day; htmx gets the calendar, also after an error."""
    reader = get_request_user(request)
    project = projects_selectors.get_project(reader, key) if key else None
    form, status = MoveTaskForm(request.POST), 200
    if not form.is_valid():
        messages.error(request, gettext("Choose a task and a day."))
        return _calendar_response(request, reader, project, status=422)
    data = form.cleaned_data
    try:
        task = items_selectors.get_task(reader, str(data["task"]))
        if project and task.project_id != project.pk:
            raise NotFound(gettext("This task isn't in the project any more."))
        moved = services.move_to_day(
            actor=reader,
            task=task,
            day=data["day"],
            seen=data["seen"],
            now=current_time(),
            versions=None if data["version"] is None else frozenset({data["version"]}),
        )
    except (VersionConflict, Conflict, Invalid, NotFound) as error:
        status = report_error(
            request, error, conflict=gettext("The due date was changed meanwhile. The calendar shows the current one.")
        )
    else:
        day = data["day"]
        text = f"is due on {formats.date_format(day, gettext('j M Y'))}" if day else "has no due date any more"
        add_undo_message(request, f"{moved.key} {text}.")
    return _calendar_response(request, reader, project, status=status)


def _calendar_response(request: HttpRequest, reader: User, project: Project | None, *, status: int) -> HttpResponse:
    url = sender_url(request, _path(project))
    if not requested_fragment(request):
        return redirect(url)
    query = QueryDict(url.partition("?")[2])
    context = calendar_context(reader, project, query)
    return render_page(request, "tasks/calendar.html", context, fragments=FRAGMENTS, status=status)
