"""Pages of a project's statuses and their limits."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods, require_POST

from accounts.auth.requests import get_request_user
from core.clock import current_time
from core.errors import Conflict, Invalid
from core.forms import form_status
from core.htmx import form_data, render_page
from tasks import policies
from tasks.models import Project
from tasks.projects import selectors, states
from tasks.projects.forms import NewStateForm, StateForm


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def project_states(request: HttpRequest, key: str) -> HttpResponse:
    """Show the statuses of a project, or add one."""
    reader = get_request_user(request)
    project = selectors.get_project(reader, key)
    policies.require_manager(selectors.project_role(reader, project))
    form = NewStateForm(form_data(request))
    state = form.submit(lambda data: states.add(actor=reader, ref=key, **data))
    if state is not None:
        messages.success(request, gettext("%(name)s added.") % {"name": state.name})
        return redirect("project-states", key=project.key)
    return _render(request, project, form, status=form_status(form))


@login_required
@require_POST
def update_state(request: HttpRequest, key: str, state_id: UUID) -> HttpResponse:
    """Save the name and limit of a status."""
    reader = get_request_user(request)
    form = StateForm(request.POST)
    state = form.submit(lambda data: states.update(actor=reader, ref=key, state_id=state_id, changes=data))
    if state is None:
        error = next(iter(form.errors.values()))[0]
        messages.error(request, gettext("The status wasn't saved: %(error)s") % {"error": error})
    else:
        messages.success(request, gettext("%(name)s saved.") % {"name": state.name})
    return redirect("project-states", key=key)


@login_required
@require_POST
def delete_state(request: HttpRequest, key: str, state_id: UUID) -> HttpResponse:
    """Delete a status without tasks."""
    try:
        states.delete(actor=get_request_user(request), ref=key, state_id=state_id, now=current_time())
    except (Conflict, Invalid) as error:
        messages.error(request, error.detail)
    else:
        messages.success(request, gettext("Status deleted."))
    return redirect("project-states", key=key)


def _render(request: HttpRequest, project: Project, form: Any, *, status: int) -> HttpResponse:
    context = {"project": project, "form": form, "states": selectors.states_with_counts(project)}
    return render_page(request, "tasks/project_states.html", context, status=status)
