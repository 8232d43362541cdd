from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.views.decorators.http import require_POST

from accounts.auth.requests import get_request_user
from core.htmx import safe_redirect_url
from tasks.favourites import services


@login_required
@require_POST
def set_favourite(request: HttpRequest, key: str) -> HttpResponse:
    """Put a project among the favourites, or take it out."""
    is_favourite = request.POST.get("favourite") == "true"
    services.set_favourite(actor=get_request_user(request), ref=key, is_favourite=is_favourite)
    url = safe_redirect_url(request, request.POST.get("next", ""), reverse("project-detail", args=[key]))
    return HttpResponseRedirect(url)
