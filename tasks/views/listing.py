"""The list of tasks, and the one change made in it."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from accounts.callers import person_of
from accounts.models import User
from core.errors import Invalid, Stale
from core.htmx import page, wanted_fragment
from gateway.pagination import Window
from tasks import selectors, services
from tasks.filtering import FilterForm, chips, columns
from tasks.models import Project
from tasks.selectors import pages
from tasks.views.shared import back_to, version_in

PAGE_SIZE = 50


@login_required
@require_safe
def task_list(request: HttpRequest) -> HttpResponse:
    context = listing(request, person_of(request))
    return page(request, "tasks/list.html", context, fragments={"results": "tasks/_results.html"})


def listing(request: HttpRequest, reader: User, project: Project | None = None) -> dict[str, Any]:
    """Everything the table of tasks shows; with a project, of that project only."""
    now, today = timezone.now(), timezone.localdate()
    address = request.GET.copy()
    if project:
        address["project"] = project.key
    form = FilterForm(address, choices=pages.choices(reader, project))
    filters = form.filters(now=now, today=today, week_start=reader.week_start)
    since = {name: form.cleaned_data.get(name) for name in ("created_from", "closed_from")}
    found = pages.page_tasks(reader, filters, **since)
    piece = pages.page_of(found, _window(form, reader, request))
    return {
        "form": form,
        "chips": [] if project else chips(form, request.GET),
        "columns": columns(form.order, request.GET),
        "piece": piece,
        "rows": pages.rows_for(reader, piece.rows, now=now, today=today),
        "count": pages.bounded_count(found),
        "counted": pages.COUNTED,
        "project": project,
    }


def _window(form: FilterForm, reader: User, request: HttpRequest) -> Window:
    asked = sorted((name, str(value)) for name, value in form.cleaned_data.items())
    return Window(
        sorts=selectors.SORTS,
        ordering=form.order,
        limit=PAGE_SIZE,
        cursor=request.GET.get("cursor", ""),
        owner=str(reader.pk),
        filters=f"page:{asked}",
    )


@login_required
@require_POST
def set_status(request: HttpRequest, key: str) -> HttpResponse:
    """Move one task from the list; htmx gets the row as it is now, others return to where they were."""
    reader, now = person_of(request), timezone.now()
    status = 200
    try:
        services.update_task(
            actor=reader,
            ref=key,
            changes={"status": request.POST.get("status", "")},
            now=now,
            versions=version_in(request),
        )
    except Stale:
        status = 409
        messages.warning(request, f"{key} was changed by somebody else; this is how it is now.")
    except Invalid as refusal:
        status = 422
        messages.error(request, " ".join(field.message for field in refusal.fields) or refusal.detail)
    if not wanted_fragment(request):
        return back_to(request, reverse("task-list"))
    task = selectors.get_task(reader, key)
    [row] = pages.rows_for(reader, [task], now=now, today=timezone.localdate())
    context = {"row": row, "here": request.POST.get("next", "")}
    fragments = {f"task-{task.pk}": "tasks/_row.html"}
    return page(request, "tasks/_row.html", context, fragments=fragments, status=status)
