"""The page of the "this wasn't me" link about a new login method or address."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone

from accounts.auth.login_methods import selectors, services
from accounts.auth.login_methods.services import LINK_EXPIRED
from accounts.auth.oidc.client import provider_names
from accounts.auth.requests import credential_page, logout_if_current
from core.errors import Conflict, NotFound
from core.htmx import render_page
from core.http.client_ip import client_ip

TEMPLATE = "accounts/revert_login_method.html"
MFA_METHOD_NAMES = {"totp": "Authenticator app", "recovery_codes": "Recovery codes"}


@credential_page(mfa_exempt=True, secret_in_url=True)
def revert_login_method(request: HttpRequest) -> HttpResponse:
    """Show what the link removes. A button removes it, because mail programs open links by themselves."""
    token, now = request.POST.get("token") or request.GET.get("token", ""), timezone.now()
    if request.method == "POST":
        try:
            user = services.revert_login_method(token=token, now=now, address=client_ip(request))
        except (Conflict, NotFound) as error:
            return render_page(request, TEMPLATE, {"error": error.detail}, status=error.status)
        logout_if_current(request, user)
        messages.success(request, "The change is undone. We sent you a link to choose a new password.")
        return redirect("login")
    added = selectors.get_login_methods_added(token, now)
    if added is None:
        return render_page(request, TEMPLATE, {"error": LINK_EXPIRED}, status=404)
    names = provider_names()
    login_methods: list[tuple[str, object]] = [
        *(
            (MFA_METHOD_NAMES.get(item.type) or f"Passkey “{item.wrap().name}”", item.created_at)
            for item in added.mfa_methods
        ),
        *((f"Sign-in with {names.get(item.provider, item.provider)}", item.date_joined) for item in added.identities),
    ]
    if added.email_change:
        login_methods.insert(0, (f"Email address {added.user.email}", added.email_change.changed_at))
    context = {
        "token": token,
        "account": added.user,
        "login_methods": login_methods,
        "former_email": added.email_change.email if added.email_change else "",
    }
    return render_page(request, TEMPLATE, context)
