"""Names of a filter, for lists that are too long for each page."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.auth.requests import get_request_user
from tasks.filters import selectors
from tasks.projects import selectors as projects_selectors


@login_required
@require_safe
def people(request: HttpRequest) -> HttpResponse:
    """List the people of a project, or of all that the user sees, as options."""
    user = get_request_user(request)
    if key := request.GET.get("project", ""):
        ids = [projects_selectors.get_project(user, key).pk]
    else:
        ids = [project.pk for project in projects_selectors.list_current_projects(user)]
    return render(request, "tasks/_people_options.html", {"people": selectors.list_people(ids)})
