from __future__ import annotations

import zoneinfo
from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone, translation
from django_htmx.http import HttpResponseClientRedirect

from accounts.browsers import device_of
from gateway.problems import API_PREFIX

NOT_PAGES = (API_PREFIX, "/_allauth/", "/livez", "/readyz", "/health", "/metrics", "/static/")
# What is left to somebody who owes a second factor (accounts.standing): to set it up, and what that takes. The links of
# mails that take something back open for everybody.
PAGES_OF_THE_HELD = {
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
    "undo",
    "stay",
    "login",
    "logout",
}


class StandingMiddleware:
    """Lead whoever owes a second factor to where it is set up; also from the administration."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, _view: Any, _args: Any, given: dict[str, Any]) -> HttpResponse | None:
        if request.path.startswith(NOT_PAGES):
            return None
        device, match = device_of(request), request.resolver_match
        if device is None or not device.owes_factor or match is None or match.view_name in PAGES_OF_THE_HELD:
            return None
        if match.view_name == "avatar" and given["user_id"] == device.user_id:
            return None
        door = reverse("mfa_index")
        return HttpResponseClientRedirect(door) if request.headers.get("HX-Request") else HttpResponseRedirect(door)


class TimeZoneMiddleware:
    """Show pages in the person's own time zone and language; the API always speaks UTC and English."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path.startswith((API_PREFIX, "/livez", "/readyz", "/health", "/metrics", "/static/")):
            return self.get_response(request)
        zone = getattr(request.user, "time_zone", "UTC")
        language = getattr(request.user, "language", None) or translation.get_language()
        with timezone.override(zoneinfo.ZoneInfo(zone)), translation.override(language):
            response = self.get_response(request)
            response.setdefault("Content-Language", language)
            return response
