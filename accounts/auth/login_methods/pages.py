"""The page of the link in a mail about a new way in: whoever did not add it takes it away here."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from accounts.auth.allauth.account_adapter import logout_if_current
from accounts.auth.login_methods import selectors, services
from accounts.auth.login_methods.services import LINK_EXPIRED
from accounts.auth.oidc import providers
from core.api.endpoints import endpoint
from core.errors import NotFound
from core.htmx import render_page
from core.http.client_ip import client_ip

TEMPLATE = "accounts/revert_login_method.html"


@endpoint(mfa_exempt=True, secret_in_url=True)
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def revert_login_method(request: HttpRequest) -> HttpResponse:
    """Opening it shows what would happen. A POST does it, because mail programs follow links by themselves."""
    token = request.POST.get("token") or request.GET.get("token", "")
    if request.method == "POST":
        return _revert(request, token)
    added = selectors.get_login_methods_added(token, timezone.now())
    if added is None:
        return render_page(request, TEMPLATE, {"error": LINK_EXPIRED}, status=404)
    return render_page(request, TEMPLATE, {"token": token, "account": added.user, "login_methods": _describe(added)})


def _revert(request: HttpRequest, token: str) -> HttpResponse:
    now = timezone.now()
    try:
        user = services.revert_login_method(token=token, now=now, address=client_ip(request))
    except NotFound as error:
        return render_page(request, TEMPLATE, {"error": error.detail}, status=404)
    logout_if_current(request, user)
    messages.success(request, "That is undone. A link to choose a new password is on its way to your mailbox.")
    return redirect("login")


def _describe(added: selectors.AddedLoginMethods) -> list[tuple[str, object]]:
    """What goes, in words, each with when it was added."""
    names = providers.provider_names()
    return [
        *((one.name, one.created_at) for one in added.mfa_methods),
        *((f"Sign-in with {names.get(one.provider, one.provider)}", one.date_joined) for one in added.identities),
    ]
