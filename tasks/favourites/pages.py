from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.views.decorators.http import require_POST

from accounts.auth.requests import get_request_user
from core.errors import Conflict
from core.htmx import safe_redirect_url
from tasks.favourites import services


@login_required
@require_POST
def set_favourite(request: HttpRequest, key: str) -> HttpResponse:
    """Add a project to the favourites, remove it, or move it `up` or `down`."""
    actor, step = get_request_user(request), request.POST.get("move", "")
    try:
        if step:
            services.move_step(actor=actor, ref=key, is_up=step == "up")
        else:
            is_favourite = request.POST.get("favourite") == "true"
            services.set_favourite(actor=actor, ref=key, is_favourite=is_favourite)
    except Conflict as error:
        messages.error(request, error.detail)
    url = safe_redirect_url(request, request.POST.get("next", ""), reverse("project-detail", args=[key]))
    return HttpResponseRedirect(url)
