"""The button of the sample project."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from accounts.auth.requests import get_request_user
from core.clock import current_time
from core.errors import DomainError
from tasks.sample_project import services


@login_required
@require_POST
def create_sample_project(request: HttpRequest) -> HttpResponse:
    """Create a sample project, and show its board."""
    try:
        project = services.create(actor=get_request_user(request), now=current_time())
    except DomainError as error:
        messages.error(request, error.message)
        return redirect("project-list")
    messages.success(request, _("Here is your sample project. Move a card, open a task, try what you like."))
    return redirect("project-board", key=project.key)
