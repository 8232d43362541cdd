from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django_htmx.http import HttpResponseClientRedirect

from accounts.auth.sessions.middleware import current_session
from core.api.problems import API_PREFIX

NON_PAGE_PREFIXES = (API_PREFIX, "/_allauth/", "/livez", "/readyz", "/health", "/metrics", "/static/")
# What is left to somebody who owes a second factor (accounts.standing): to set it up, and what that takes. The links of
# mails that take something back open for everybody.
MFA_EXEMPT_URL_NAMES = {
    "mfa_index",
    "mfa_activate_totp",
    "mfa_add_webauthn",
    "mfa_view_recovery_codes",
    "mfa_generate_recovery_codes",
    "account_reauthenticate",
    "mfa_reauthenticate",
    "mfa_reauthenticate_webauthn",
    "account_change_password",
    "account_set_password",
    "account_reset_password",
    "account_reset_password_done",
    "account_reset_password_from_key",
    "account_confirm_email",
    "email-resend",
    "revert-login-method",
    "cancel-deletion",
    "login",
    "logout",
}


class RequireMfaMiddleware:
    """Lead whoever owes a second factor to where it is set up; also from the administration."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, _view: Any, _args: Any, given: dict[str, Any]) -> HttpResponse | None:
        if request.path.startswith(NON_PAGE_PREFIXES):
            return None
        device, match = current_session(request), request.resolver_match
        if device is None or not device.mfa_setup_required or match is None or match.view_name in MFA_EXEMPT_URL_NAMES:
            return None
        if match.view_name == "avatar" and given["user_id"] == device.user_id:
            return None
        door = reverse("mfa_index")
        return HttpResponseClientRedirect(door) if request.headers.get("HX-Request") else HttpResponseRedirect(door)
