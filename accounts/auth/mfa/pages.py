"""The security settings: login methods at a glance, authenticator app, passkeys and recovery codes."""

from __future__ import annotations

import base64
from typing import Any

from allauth.account.decorators import reauthentication_required
from allauth.mfa.adapter import get_adapter
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext, gettext_noop
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts.auth.allauth.forms import AddPasskeyForm
from accounts.auth.allauth.passkeys import begin_registration
from accounts.auth.email_addresses import services as email_addresses
from accounts.auth.forms import RenamePasskeyForm, TotpForm
from accounts.auth.login_methods import selectors as login_methods_selectors
from accounts.auth.mfa import enforcement, enrollment
from accounts.auth.oidc.client import provider_names
from accounts.auth.requests import credential_page, get_request_user
from accounts.auth.sessions.middleware import current_session
from core.api.endpoints import endpoint
from core.clock import current_time
from core.errors import Conflict, Invalid, NotFound
from core.forms import form_status
from core.htmx import form_data, render_page
from core.http.client_ip import client_ip

OTHER_SESSIONS_REVOKED = gettext_noop(
    "You are signed out on all other devices, where two-factor authentication was not asked for."
)


@endpoint(mfa_exempt=True)
@never_cache
@login_required
@require_safe
def security(request: HttpRequest) -> HttpResponse:
    user = get_request_user(request)
    context = {
        **login_methods_selectors.get_mfa_methods(user)._asdict(),
        "tab": "security",
        "mfa_required_for": enforcement.MFA_POLICIES[settings.REQUIRE_MFA].description,
        "is_verified": email_addresses.is_email_verified(user),
        "providers": provider_names(),
        "identities": login_methods_selectors.list_identities(user).order_by("provider"),
    }
    return render_page(request, "accounts/security.html", context)


@credential_page("code", "setup_token", mfa_exempt=True)
@reauthentication_required(app="allauth.mfa")
def add_totp(request: HttpRequest) -> HttpResponse:
    user, now, form = get_request_user(request), current_time(), TotpForm(form_data(request))
    if login_methods_selectors.get_mfa_methods(user).totp:
        return redirect("mfa_deactivate_totp")
    setup = None
    try:
        if request.method == "POST" and form.is_valid():
            setup = enrollment.resume_totp(user=user, token=request.POST.get("setup_token", ""), now=now)
            code = form.cleaned_data["code"]
            result = enrollment.activate_totp(user=user, token=setup.token, code=code, now=now, **_caller(request))
            return _added(request, result, gettext("The authenticator app is added."))
    except Invalid as error:
        form.add_domain_error(error)
    except Conflict as error:
        return _refused(request, error)
    try:
        setup = setup or enrollment.begin_totp(user=user, now=now)
    except Conflict as error:
        return _refused(request, error)
    svg = base64.b64encode(get_adapter().build_totp_svg(setup.uri).encode()).decode()
    context = {"form": form, "setup": setup, "qr_code": f"data:image/svg+xml;base64,{svg}", "tab": "security"}
    return render_page(request, "mfa/totp/activate_form.html", context, status=form_status(form))


@credential_page()
@login_required
@reauthentication_required(app="allauth.mfa")
def remove_totp(request: HttpRequest) -> HttpResponse:
    user = get_request_user(request)
    if request.method == "POST":
        enrollment.deactivate_totp(user=user, now=current_time(), address=client_ip(request))
        messages.success(request, gettext("The authenticator app is removed."))
        return redirect("mfa_index")
    if not login_methods_selectors.get_mfa_methods(user).totp:
        raise NotFound(gettext("There is no authenticator app."))
    return render_page(request, "mfa/totp/deactivate_form.html", {"tab": "security"})


@credential_page(mfa_exempt=True)
@reauthentication_required(app="allauth.mfa")
def add_passkey(request: HttpRequest) -> HttpResponse:
    user, data = get_request_user(request), form_data(request)
    try:
        enrollment.require_can_add_method(user)
        form = AddPasskeyForm(data, user=user)
        if request.method == "POST" and form.is_valid():
            name, credential = form.cleaned_data["name"], form.cleaned_data["credential"]
            result = enrollment.add_passkey(
                user=user, name=name, credential=credential, now=current_time(), **_caller(request)
            )
            return _added(request, result, gettext("The passkey is added."))
    except Conflict as error:
        return _refused(request, error)
    options = begin_registration(request, user)
    context = {"form": form, "js_data": {"creation_options": options}, "tab": "security"}
    return render_page(request, "mfa/webauthn/add_form.html", context, status=form_status(form))


@credential_page()
@reauthentication_required(app="allauth.mfa")
def rename_passkey(request: HttpRequest, pk: int) -> HttpResponse:
    user = get_request_user(request)
    passkey = login_methods_selectors.get_passkey(user, pk)
    form = RenamePasskeyForm(form_data(request), initial={"name": passkey.wrap().name})
    if request.method == "POST" and form.is_valid():
        enrollment.rename_passkey(user=user, passkey_id=pk, name=form.cleaned_data["name"])
        return redirect("mfa_index")
    return render_page(
        request, "mfa/webauthn/edit_form.html", {"form": form, "tab": "security"}, status=form_status(form)
    )


@credential_page()
@reauthentication_required(app="allauth.mfa")
def remove_passkey(request: HttpRequest, pk: int) -> HttpResponse:
    user = get_request_user(request)
    if request.method == "POST":
        enrollment.remove_passkey(user=user, passkey_id=pk, now=current_time(), address=client_ip(request))
        messages.success(request, gettext("The passkey is removed."))
        return redirect("mfa_index")
    context = {"authenticator": login_methods_selectors.get_passkey(user, pk), "tab": "security"}
    return render_page(request, "mfa/webauthn/authenticator_confirm_delete.html", context)


@endpoint(mfa_exempt=True)
@never_cache
@login_required
@require_safe
@reauthentication_required(app="allauth.mfa")
def recovery_codes(request: HttpRequest) -> HttpResponse:
    """Show new recovery codes once, and after that only how many are left."""
    user = get_request_user(request)
    codes = enrollment.show_recovery_codes_once(user=user)
    unused_count = login_methods_selectors.get_mfa_methods(user).unused_recovery_codes
    context = {"codes": codes, "unused_count": unused_count, "tab": "security"}
    return render_page(request, "mfa/recovery_codes/index.html", context)


@credential_page(mfa_exempt=True)
@reauthentication_required(app="allauth.mfa")
def new_recovery_codes(request: HttpRequest) -> HttpResponse:
    user = get_request_user(request)
    if request.method == "POST":
        try:
            enrollment.generate_recovery_codes(user=user, now=current_time(), address=client_ip(request))
        except Conflict as error:
            return _refused(request, error)
        return redirect("mfa_view_recovery_codes")
    unused_count = login_methods_selectors.get_mfa_methods(user).unused_recovery_codes
    return render_page(request, "mfa/recovery_codes/generate.html", {"unused_count": unused_count, "tab": "security"})


def _caller(request: HttpRequest) -> dict[str, Any]:
    """Return the session to keep and the IP address, as services want them."""
    session = current_session(request)
    return {"keep": session.pk if session else None, "address": client_ip(request)}


def _added(request: HttpRequest, result: enrollment.EnrollmentResult, message: str) -> HttpResponse:
    messages.success(request, message)
    if result.revoked_sessions:
        messages.info(request, gettext(OTHER_SESSIONS_REVOKED))
    return redirect("mfa_view_recovery_codes" if result.has_new_recovery_codes else "mfa_index")


def _refused(request: HttpRequest, error: Conflict) -> HttpResponse:
    messages.error(request, error.detail)
    return redirect("mfa_index")
