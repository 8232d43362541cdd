"""Panel of a task's time: the timer, and time entries."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.http import require_POST

from accounts.auth.requests import get_request_user
from core.clock import current_time
from core.errors import Conflict, VersionConflict
from core.forms import expected_version
from core.htmx import render_page, safe_redirect_url
from tasks.items import selectors as items_selectors
from tasks.items.task_page import task_context
from tasks.time_tracking import selectors, services
from tasks.time_tracking.forms import TimeEntryForm
from tasks.undo.tokens import add_undo_message


def _to_panel(key: str) -> HttpResponse:
    return redirect(f"{reverse('task-detail', args=[key])}#time")


@login_required
@require_POST
def start_timer(request: HttpRequest, key: str) -> HttpResponse:
    services.start(actor=get_request_user(request), ref=key, now=current_time())
    return _to_panel(key)


@login_required
@require_POST
def stop_timer(request: HttpRequest, key: str) -> HttpResponse:
    """Stop the timer; a second click finds it stopped, which is no error."""
    try:
        entry = services.stop(actor=get_request_user(request), ref=key, now=current_time())
        messages.success(request, gettext("%(minutes)s min logged.") % {"minutes": entry.minutes})
    except Conflict as error:
        messages.warning(request, error.detail)
    # The frame of every page has the button too, and names its page.
    default = f"{reverse('task-detail', args=[key])}#time"
    return HttpResponseRedirect(safe_redirect_url(request, request.POST.get("next", ""), default))


@login_required
@require_POST
def add_time_entry(request: HttpRequest, key: str) -> HttpResponse:
    """Log minutes; an error shows the page of the task with the form."""
    reader = get_request_user(request)
    task = items_selectors.get_task(reader, key)
    form = TimeEntryForm(request.POST)
    if form.submit(lambda data: services.add(actor=reader, ref=key, now=current_time(), **data)):
        return _to_panel(key)
    context = task_context(reader, task) | {"time_form": form}
    return render_page(request, "tasks/task_detail.html", context, status=422)


@login_required
@require_POST
def update_time_entry(request: HttpRequest, key: str, time_entry_id: UUID) -> HttpResponse:
    """Save the minutes and the note of an own entry."""
    reader = get_request_user(request)
    task = items_selectors.get_task(reader, key)
    selectors.get_entry(task, time_entry_id)
    form = TimeEntryForm(request.POST)
    versions = expected_version(request)

    def save(data: dict[str, Any]) -> Any:
        now = current_time()
        return services.update(
            actor=reader, ref=key, time_entry_id=time_entry_id, changes=data, now=now, versions=versions
        )

    try:
        if form.submit(save):
            return _to_panel(key)
    except VersionConflict:
        messages.warning(request, gettext("You changed this entry in another tab. This is how it is now."))
        return _to_panel(key)
    context = task_context(reader, task) | {"time_form": form}
    return render_page(request, "tasks/task_detail.html", context, status=422)


@login_required
@require_POST
def delete_time_entry(request: HttpRequest, key: str, time_entry_id: UUID) -> HttpResponse:
    services.delete(actor=get_request_user(request), ref=key, time_entry_id=time_entry_id, now=current_time())
    add_undo_message(request, gettext("Time entry deleted."))
    return _to_panel(key)
