from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext, ngettext
from django.views.decorators.http import require_POST, require_safe

from accounts.auth.requests import get_request_user
from core.clock import current_time
from core.errors import Conflict, DomainError
from core.forms import parse_uuid
from core.htmx import render_page, safe_redirect_url
from tasks.bulk import background, removals, selectors, services
from tasks.bulk.background import BulkResult
from tasks.bulk.forms import BulkForm
from tasks.items.pages import filter_listed_tasks
from tasks.projects import selectors as projects_selectors
from tasks.undo.tokens import add_undo_message


@login_required
@require_POST
def update_selected(request: HttpRequest) -> HttpResponse:
    """Change or delete the selected tasks of a list, or change all on its pages."""
    form = BulkForm(request.POST, actor=get_request_user(request))
    back = safe_redirect_url(request, request.POST.get("next", ""), reverse("task-list"))
    ids = {task_id for text in request.POST.getlist("ids") if (task_id := parse_uuid(text))}
    is_all = request.POST.get("select") == "all"
    if not ids and not is_all:
        messages.error(request, gettext("Select at least one task."))
    elif request.POST.get("action") == "delete":
        _delete(request, ids, is_all=is_all)
        return HttpResponseRedirect(back)
    elif form.is_valid():
        try:
            result = _update(request, ids, form.changes(), is_all=is_all)
        except DomainError as error:
            messages.error(request, error.message)
        else:
            if result.job:
                return redirect("bulk-job", result.job.pk)
            add_undo_message(
                request,
                ngettext("%(count)s task changed.", "%(count)s tasks changed.", result.updated)
                % {"count": f"{result.updated:,}"},
            )
    for errors in form.errors.values() if ids or is_all else ():
        messages.error(request, " ".join(errors))
    return HttpResponseRedirect(back)


def _delete(request: HttpRequest, ids: set[UUID], *, is_all: bool) -> None:
    if is_all:
        messages.error(
            request,
            gettext("Select at most %(max_deleted)s tasks, on one page, to delete them.")
            % {"max_deleted": removals.MAX_DELETED},
        )
        return
    try:
        count = len(removals.delete_tasks(actor=get_request_user(request), ids=ids, now=current_time()))
    except DomainError as error:
        messages.error(request, error.message)
    else:
        add_undo_message(
            request,
            ngettext("%(count)s task moved to the trash.", "%(count)s tasks moved to the trash.", count)
            % {"count": f"{count:,}"},
        )


def _update(request: HttpRequest, ids: set[UUID], changes: dict[str, Any], *, is_all: bool) -> BulkResult:
    actor, now, data = get_request_user(request), current_time(), request.POST
    if not is_all:
        return BulkResult(len(ids), len(services.update(actor=actor, ids=ids, changes=changes, now=now)))
    project = projects_selectors.get_project(actor, ref) if (ref := data.get("project", "")) else None
    list_filter, tasks = filter_listed_tasks(actor, QueryDict(data.get("query", "")[:4000]), now=now, project=project)
    if list_filter.error or list_filter.form.errors:
        # The list ignores what it cannot read; a change must not.
        raise Conflict(gettext("A part of the filter is not valid. Nothing was changed."), code="invalid_filter")
    expected = data.get("expected_count", "")
    expected_count = int(expected) if expected.isdecimal() and len(expected) < 10 else 0
    return background.update_matching(
        actor=actor, matching=tasks, expected_count=expected_count, changes=changes, now=now
    )


@login_required
@require_safe
def bulk_job(request: HttpRequest, job_id: UUID) -> HttpResponse:
    """Show how far a change of many tasks is."""
    job = selectors.get_job(get_request_user(request), job_id)
    context = {"job": job, "processed": background.get_progress(job)}
    return render_page(request, "tasks/bulk_job.html", context, fragments={"bulk-job": "tasks/_bulk_job.html"})
