"""Who one is at providers of identities."""

from __future__ import annotations

from allauth.account.adapter import get_adapter
from allauth.account.internal.flows.reauthentication import is_reauthentication_required
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from accounts import selectors, services
from accounts.oidc import clients
from accounts.views.parts import person_of
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
        services.unlink_identity(actor=person_of(request), identity_id=identity_id)
    except Conflict as refusal:
        messages.error(request, refusal.detail)
    else:
        messages.success(request, "It is not linked any more.")
    return redirect(PAGE)


def confirmation(request: HttpRequest, back: str = "") -> HttpResponse | None:
    """Who changes how they sign in has shown lately that it is they; return the door for it, and then `back`, to the others."""
    back = back or reverse(PAGE)
    if not request.user.is_authenticated:
        return HttpResponseRedirect(f"{reverse('login')}?{urlencode({'next': back})}")
    if not is_reauthentication_required(request, app="allauth.socialaccount"):
        return None
    messages.info(request, "Confirm that it is you, then do it once more.")
    methods = get_adapter().get_reauthentication_methods(request.user)
    return HttpResponseRedirect(f"{methods[0]['url']}?{urlencode({'next': back})}")
