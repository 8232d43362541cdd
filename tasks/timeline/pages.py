"""Timeline of a project: its tasks as bars from their start to their due date."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.http import require_POST, require_safe

from accounts.auth.requests import get_request_user
from accounts.models import User
from core.clock import current_time
from core.errors import Conflict, Invalid, NotFound, VersionConflict
from core.forms import parse_uuid
from core.htmx import render_page, report_error, requested_fragment, sender_url
from tasks import policies
from tasks.calendar.pages import calendar_url, parse_day
from tasks.calendar.periods import FIRST_DAY, LAST_DAY, start_of_week
from tasks.items import selectors as items_selectors
from tasks.items.pages import filter_listed_tasks
from tasks.models import Project
from tasks.projects import selectors as projects_selectors
from tasks.timeline import selectors, services
from tasks.timeline.drawing import ZOOMS, draw
from tasks.timeline.forms import DatesForm
from tasks.undo.tokens import add_undo_message

FRAGMENTS = {"timeline": "tasks/_timeline.html"}
MAX_PAGE = 1000


@login_required
@require_safe
def timeline(request: HttpRequest, key: str) -> HttpResponse:
    """Show the timeline of a project; htmx gets the drawing alone."""
    reader = get_request_user(request)
    project = projects_selectors.get_project(reader, key)
    context = timeline_context(reader, project, request.GET)
    return render_page(request, "tasks/timeline.html", context, fragments=FRAGMENTS)


def timeline_context(reader: User, project: Project, query: QueryDict) -> dict[str, Any]:
    """Return the context of a timeline. The query string is that of the page, also after a form was sent."""
    now = current_time()
    list_filter, rows = filter_listed_tasks(reader, query, now=now, project=project)
    today = timezone.localdate(now)
    name = query.get("zoom", "") if query.get("zoom") in ZOOMS else "month"
    zoom = ZOOMS[name]
    span = timedelta(days=zoom.days)
    # A quarter of what is visible is past.
    first = start_of_week(parse_day(query.get("date", "")) or today - span / 4, reader.week_start)
    first = min(max(first, FIRST_DAY + span), LAST_DAY - span * 2)
    number = query.get("page", "")
    page = min(int(number), MAX_PAGE) if number.isdecimal() and len(number) < 6 and int(number) else 1
    zone = list_filter.filters.zone
    last = first + span - timedelta(days=1)
    tasks = selectors.load_timeline(reader, rows, first, last, page=page, sql_zone=zone, now=now)
    can_edit = policies.can_edit(projects_selectors.project_role(reader, project)) and project.archived_at is None
    picked_id = parse_uuid(query.get("task", ""))
    picked = next((item for item in tasks.dated if item.task.pk == picked_id), None)
    path = reverse("project-timeline", args=[project.key])
    step = timedelta(days=zoom.days // 2)
    text = f"({list_filter.text}) " if list_filter.text else ""
    return {
        "project": project,
        "ancestors": projects_selectors.visible_ancestors(reader, project),
        "view": "timeline",
        "form": list_filter.form,
        "list_filter": list_filter,
        "chips": list_filter.chips,
        "tasks": tasks,
        "drawing": draw(tasks, first, zoom, today=today, week_start=reader.week_start),
        "first": first,
        "last": last,
        "zoom": name,
        "zooms": [(key, item.label, calendar_url(query, zoom=key)) for key, item in ZOOMS.items()],
        "today_url": calendar_url(query, date=None),
        "previous_url": calendar_url(query, date=(first - step).isoformat()),
        "next_url": calendar_url(query, date=(first + step).isoformat()),
        "previous_page_url": calendar_url(query, page=str(page - 1)) if page > 1 else "",
        "next_page_url": calendar_url(query, page=str(page + 1)) if tasks.has_next and page < MAX_PAGE else "",
        "can_edit": can_edit,
        "picked": picked if can_edit else None,
        "pick_url": f"{calendar_url(query, page=str(page))}&task=",
        "timeline_url": f"{path}?{query.urlencode()}",
        "undated_url": f"{reverse('project-detail', args=[project.key])}?{urlencode({'filter': f'{text}start:none due:none'})}",
        "blockers": _blockers(tasks),
    }


def _blockers(tasks: selectors.TimelineTasks) -> list[tuple[selectors.TimelineTask, list[str]]]:
    """Return each dated task with the keys of those that block it, for the table."""
    keys = {item.task.pk: item.task.key for item in tasks.dated}
    by_target: dict[Any, list[str]] = {}
    for source, target in tasks.blocks:
        by_target.setdefault(target, []).append(keys[source])
    return [(item, by_target.get(item.task.pk, [])) for item in tasks.dated]


@login_required
@require_POST
def set_dates(request: HttpRequest, key: str) -> HttpResponse:
    """Set the dates of a task; htmx gets the timeline, also after an error."""
    reader = get_request_user(request)
    project = projects_selectors.get_project(reader, key)
    form, status = DatesForm(request.POST), 200
    if not form.is_valid():
        messages.error(request, gettext("Choose a task and its dates."))
        return _timeline_response(request, reader, project, status=422)
    data = form.cleaned_data
    try:
        task = items_selectors.get_task(reader, str(data["task"]))
        if task.project_id != project.pk:
            raise NotFound(gettext("This task isn't in the project any more."))
        services.set_dates(
            actor=reader,
            task=task,
            start=data["start"],
            due=data["due"],
            seen=(data["seen_start"], data["seen_due"]),
            now=current_time(),
            versions=None if data["version"] is None else frozenset({data["version"]}),
        )
    except (VersionConflict, Conflict, Invalid, NotFound) as error:
        status = report_error(
            request, error, conflict=gettext("The dates were changed meanwhile. The timeline shows the current ones.")
        )
    else:
        add_undo_message(request, gettext("Dates of %(key)s changed.") % {"key": task.key})
    return _timeline_response(request, reader, project, status=status)


def _timeline_response(request: HttpRequest, reader: User, project: Project, *, status: int) -> HttpResponse:
    url = sender_url(request, reverse("project-timeline", args=[project.key]))
    if not requested_fragment(request):
        return redirect(url)
    context = timeline_context(reader, project, QueryDict(url.partition("?")[2]))
    return render_page(request, "tasks/timeline.html", context, fragments=FRAGMENTS, status=status)
