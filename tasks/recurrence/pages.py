from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.dateparse import parse_date
from django.utils.translation import gettext, gettext_noop
from django.views.decorators.http import require_POST

from accounts.auth.requests import get_request_user
from core.clock import current_time
from core.errors import Conflict, Invalid, VersionConflict
from core.forms import expected_version, form_status
from core.htmx import render_page
from tasks.items import selectors as items_selectors
from tasks.items.task_page import FRAGMENTS, task_context
from tasks.recurrence import selectors, services
from tasks.recurrence.forms import RecurrenceForm
from tasks.recurrence.panel import first_day, make_preview
from tasks.recurrence.schedule import series_of

CHANGED_MEANWHILE = gettext_noop("Someone changed the repetition meanwhile. This is how it is now.")


@login_required
@require_POST
def set_recurrence(request: HttpRequest, key: str) -> HttpResponse:
    """Let a task repeat as the form says, or show what that means."""
    actor = get_request_user(request)
    task = items_selectors.get_task(actor, key)
    starts_on = first_day(actor, task)
    if starts_on is None:
        messages.error(request, gettext("Give the task a due date first."))
        return _back_to_panel(key)
    form = RecurrenceForm(request.POST, starts_on=starts_on)
    preview = None
    if form.is_valid():
        values: dict[str, Any] = {"rule": form.rule_text(), "mode": form.cleaned_data["mode"]}
        if recurrence := selectors.find_recurrence(task):
            values |= {"time_zone": recurrence.time_zone, "exceptions": recurrence.exceptions}
        try:
            if request.POST.get("action") == "preview":
                series = services.build_series(**{"time_zone": actor.time_zone, "exceptions": (), **values}, task=task)
                preview = make_preview(series, after=series.starts_on, number=1)
            else:
                versions = expected_version(request)
                saved = services.set_recurrence(
                    actor=actor, ref=key, values=values, now=current_time(), versions=versions
                )
                messages.success(
                    request, f"{make_preview(series_of(saved), after=saved.occurs_on, number=1).description}."
                )
                return _back_to_panel(key)
        except VersionConflict:
            messages.warning(request, CHANGED_MEANWHILE)
            return _back_to_panel(key)
        except (Invalid, Conflict) as error:
            form.add_rule_error(
                error.fields[0].message if isinstance(error, Invalid) and error.fields else error.detail
            )
    context = task_context(actor, task)
    panel = context["recurrence"]
    panel.form, panel.preview = form, preview
    return render_page(request, "tasks/task_detail.html", context, fragments=FRAGMENTS, status=form_status(form))


@login_required
@require_POST
def remove_recurrence(request: HttpRequest, key: str) -> HttpResponse:
    """Let a task repeat no longer."""
    try:
        versions = expected_version(request)
        services.remove(actor=get_request_user(request), ref=key, now=current_time(), versions=versions)
    except VersionConflict:
        messages.warning(request, CHANGED_MEANWHILE)
    else:
        messages.success(request, gettext("%(key)s no longer repeats.") % {"key": key})
    return _back_to_panel(key)


@login_required
@require_POST
def skip_occurrence(request: HttpRequest, key: str) -> HttpResponse:
    """Leave one date out of a series, or take it in again."""
    actor = get_request_user(request)
    recurrence = selectors.get_recurrence_of_task(actor, key)
    day = _parse_day(request.POST.get("date", ""))
    if day is None:
        messages.error(request, gettext("Choose a date of the series."))
        return _back_to_panel(key)
    exceptions = {*recurrence.exceptions} ^ {day}
    values = {
        "rule": recurrence.rule,
        "mode": recurrence.mode,
        "time_zone": recurrence.time_zone,
        "exceptions": sorted(exceptions),
    }
    try:
        versions = expected_version(request)
        services.set_recurrence(actor=actor, ref=key, values=values, now=current_time(), versions=versions)
    except VersionConflict:
        messages.warning(request, CHANGED_MEANWHILE)
    except (Invalid, Conflict) as error:
        messages.error(request, error.detail)
    return _back_to_panel(key)


def _parse_day(text: str) -> Any:
    try:
        return parse_date(text)
    except ValueError:  # the 31st of a month without one
        return None


def _back_to_panel(key: str) -> HttpResponse:
    return redirect(f"{reverse('task-detail', args=[key])}#recurrence")
