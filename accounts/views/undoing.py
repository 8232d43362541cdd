"""The page of the link in a mail about a new way in: whoever did not add it takes it away here."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from accounts import selectors, services
from accounts.adapters.account import sign_out
from accounts.oidc import clients
from accounts.services.undoing import OVER
from core.errors import NotFound
from core.htmx import page
from gateway.headers import client_address

PAGE = "accounts/undo.html"


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def undo(request: HttpRequest) -> HttpResponse:
    """Opening it shows what would happen. A POST does it, because mail programs follow links by themselves."""
    token = request.POST.get("token") or request.GET.get("token", "")
    if request.method == "POST":
        return _undone(request, token)
    added = selectors.way_in_added(token, timezone.now())
    if added is None:
        return page(request, PAGE, {"refusal": OVER}, status=404)
    return page(request, PAGE, {"token": token, "person": added.person, "ways": _named(added)})


def _undone(request: HttpRequest, token: str) -> HttpResponse:
    now = timezone.now()
    try:
        person = services.undo_way_in(token=token, now=now, address=client_address(request))
    except NotFound as refusal:
        return page(request, PAGE, {"refusal": refusal.detail}, status=404)
    sign_out(request, person)
    messages.success(request, "That is undone. A link to choose a new password is on its way to your mailbox.")
    return redirect("login")


def _named(added: selectors.Added) -> list[tuple[str, object]]:
    """What goes, in words, each with when it was added."""
    names = clients.names()
    return [
        *((one.name, one.created_at) for one in added.factors),
        *((f"Sign-in with {names.get(one.provider, one.provider)}", one.date_joined) for one in added.identities),
    ]
