"""Middleware for pages only: Content-Security-Policy, languages, browser sessions and allauth.

Django's other middleware runs for the API too, under its own name: without a session cookie it costs microseconds.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from allauth.account.adapter import get_adapter
from allauth.core import context
from allauth.core.exceptions import ImmediateHttpResponse, ReauthenticationRequired
from csp.middleware import CSPMiddleware
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.middleware.locale import LocaleMiddleware
from django.urls import reverse
from django.utils import translation
from django.utils.deprecation import MiddlewareMixin
from django.utils.http import urlencode

from accounts.auth.sessions.middleware import SessionTrackingMiddleware
from core.api.endpoints import API_PREFIX

# A page with a CSP and a language, although its path begins like the API.
API_DOCS_PATHS = ("/api/v1/docs/",)


class PagesOnlyMixin:
    """Skips the API, except for its documentation pages. Put it before the middleware among the bases."""

    get_response: Any

    def __call__(self, request: HttpRequest) -> HttpResponse:
        # By path rather than by resolved view: middleware runs before Django resolves the URL.
        if request.path.startswith(API_PREFIX) and not request.path.startswith(API_DOCS_PATHS):
            response: HttpResponse = self.get_response(request)
            return response
        return super().__call__(request)  # type: ignore[misc]  # the other base has it


class PageCSPMiddleware(PagesOnlyMixin, CSPMiddleware): ...


class PageLocaleMiddleware(PagesOnlyMixin, LocaleMiddleware):
    """Activates the language of Accept-Language, for this request only: the next one of the thread may be the API's."""

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        response = super().process_response(request, response)
        translation.deactivate()
        return response


class PageAuthMiddleware(PagesOnlyMixin, SessionTrackingMiddleware):
    """Authenticates browsers by their session. The API must ignore the cookie: it has no CSRF protection."""


class AllauthMiddleware(MiddlewareMixin):
    """Replaces allauth's own middleware, which stores a submitted form in the session during reauthentication.

    A form may hold passwords, so here it is not stored: users submit it again.
    """

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        # Where allauth's views and adapters keep what belongs to one request.
        request.allauth = SimpleNamespace()  # type: ignore[attr-defined]
        with context.request_context(request):
            return self.get_response(request)  # type: ignore[return-value]

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponseBase | None:
        if isinstance(error, ImmediateHttpResponse):
            return error.response
        if not isinstance(error, ReauthenticationRequired):
            return None
        methods = get_adapter().get_reauthentication_methods(request.user)
        # A user without a password, passkey or TOTP cannot confirm anything, and has to sign in again.
        path = methods[0]["url"] if methods else reverse("login")
        return HttpResponseRedirect(f"{path}?{urlencode({'next': request.get_full_path()})}")


class PageAllauthMiddleware(PagesOnlyMixin, AllauthMiddleware): ...
