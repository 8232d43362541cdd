from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django_htmx.http import HttpResponseClientRedirect

from accounts.auth.sessions.middleware import current_session
from core.api.endpoints import API_PREFIX, endpoint_of


class RequireMfaMiddleware:
    """Redirects users who must set up MFA to their security settings.

    It covers every page that is not `mfa_exempt`, the admin included; BearerAuthentication does it for the API.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Callable[..., Any], _args: Any, _kwargs: Any
    ) -> HttpResponse | None:
        if request.path.startswith(API_PREFIX) or endpoint_of(view).is_mfa_exempt(request):
            return None
        session = current_session(request)
        if session is None or not session.mfa_setup_required:
            return None
        url = reverse("mfa_index")
        return HttpResponseClientRedirect(url) if request.headers.get("HX-Request") else HttpResponseRedirect(url)
