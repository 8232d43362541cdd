"""Who one is at providers of identities."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from accounts.auth.allauth.reauthentication import reauthentication_redirect
from accounts.auth.login_methods import selectors as login_methods_selectors
from accounts.auth.oidc import providers, services
from accounts.auth.requests import get_request_user
from core.errors import Conflict
from core.htmx import render_page

URL_NAME = "socialaccount_connections"


@never_cache
@login_required
@require_safe
def identities(request: HttpRequest) -> HttpResponse:
    names, linked = providers.provider_names(), list(login_methods_selectors.list_identities(get_request_user(request)))
    rows = [{"id": one.pk, "name": names.get(one.provider, one.provider), "identity": one} for one in linked]
    missing = {key: name for key, name in names.items() if key not in {one.provider for one in linked}}
    return render_page(request, "socialaccount/identities.html", {"rows": rows, "missing": missing, "tab": "security"})


@login_required
@require_POST
def unlink_identity(request: HttpRequest, identity_id: int) -> HttpResponse:
    if door := reauthentication_redirect(request):
        return door
    try:
        services.unlink_identity(actor=get_request_user(request), identity_id=identity_id, now=timezone.now())
    except Conflict as error:
        messages.error(request, error.detail)
    else:
        messages.success(request, "It is not linked any more.")
    return redirect(URL_NAME)
