"""Who one is at providers of identities."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from accounts import selectors, services
from accounts.adapters.confirming import confirmation
from accounts.callers import person_of
from accounts.oidc import clients
from core.errors import Conflict
from core.htmx import page

PAGE = "socialaccount_connections"


@never_cache
@login_required
@require_safe
def identities(request: HttpRequest) -> HttpResponse:
    names, linked = clients.names(), list(selectors.identities_of(person_of(request)))
    rows = [{"id": one.pk, "name": names.get(one.provider, one.provider), "identity": one} for one in linked]
    missing = {key: name for key, name in names.items() if key not in {one.provider for one in linked}}
    return page(request, "socialaccount/identities.html", {"rows": rows, "missing": missing, "tab": "security"})


@login_required
@require_POST
def unlink(request: HttpRequest, identity_id: int) -> HttpResponse:
    if door := confirmation(request):
        return door
    try:
        services.unlink_identity(actor=person_of(request), identity_id=identity_id, now=timezone.now())
    except Conflict as refusal:
        messages.error(request, refusal.detail)
    else:
        messages.success(request, "It is not linked any more.")
    return redirect(PAGE)
