"""The page of the "this wasn't me" link about login methods, another address or password."""

from __future__ import annotations

from allauth.mfa.models import Authenticator
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext, gettext_noop

from accounts.auth.login_methods import selectors, services
from accounts.auth.login_methods.services import LINK_EXPIRED
from accounts.auth.oidc.client import provider_names
from accounts.auth.requests import credential_page, logout_if_current
from core.clock import current_time
from core.errors import Conflict, NotFound
from core.htmx import render_page
from core.http.client_ip import client_ip

TEMPLATE = "accounts/revert_login_method.html"
CHANGE_NAMES = {
    "password_changed": gettext_noop("Password changed"),
    "password_set": gettext_noop("Password set"),
    "totp_deactivated": gettext_noop("Authenticator app removed"),
    "webauthn_removed": gettext_noop("Passkey removed"),
}
MFA_METHOD_NAMES = {"totp": gettext_noop("Authenticator app"), "recovery_codes": gettext_noop("Recovery codes")}


@credential_page(mfa_exempt=True, secret_in_url=True)
def revert_login_method(request: HttpRequest) -> HttpResponse:
    """Show what the link removes. A button removes it, because mail programs open links by themselves."""
    token, now = request.POST.get("token") or request.GET.get("token", ""), current_time()
    if request.method == "POST":
        try:
            user = services.revert_login_method(token=token, now=now, address=client_ip(request))
        except (Conflict, NotFound) as error:
            return render_page(request, TEMPLATE, {"error": error.detail}, status=error.status)
        logout_if_current(request, user)
        messages.success(request, gettext("The change is undone. We sent you a link to choose a new password."))
        return redirect("login")
    added = selectors.get_login_methods_added(token, now)
    if added is None:
        return render_page(request, TEMPLATE, {"error": LINK_EXPIRED}, status=404)
    names = provider_names()
    login_methods: list[tuple[str, object]] = [
        *((gettext("%(item)s added") % {"item": _method_name(item)}, item.created_at) for item in added.mfa_methods),
        *(
            (
                gettext("Sign-in with %(provider)s added") % {"provider": names.get(item.provider, item.provider)},
                item.date_joined,
            )
            for item in added.identities
        ),
        *((gettext(CHANGE_NAMES[item.change]), item.changed_at) for item in added.changes),
    ]
    if added.email_change:
        login_methods.insert(
            0,
            (
                gettext("Email address changed to %(email)s") % {"email": added.user.email},
                added.email_change.changed_at,
            ),
        )
    context = {
        "token": token,
        "account": added.user,
        "login_methods": login_methods,
        "restored_methods": [_method_name(item) for item in added.removed_methods],
        "former_email": added.email_change.email if added.email_change else "",
    }
    return render_page(request, TEMPLATE, context)


def _method_name(method: Authenticator) -> str:
    if name := MFA_METHOD_NAMES.get(method.type):
        return gettext(name)
    return gettext("Passkey “%(name)s”") % {"name": method.wrap().name}
