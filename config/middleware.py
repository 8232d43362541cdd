"""What pages need and the API does not: a program has no session cookie, no language, no form and no messages.

They took a fifth of an uncached list's time.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from allauth.account.adapter import get_adapter
from allauth.core import context
from allauth.core.exceptions import ImmediateHttpResponse, ReauthenticationRequired
from csp.middleware import CSPMiddleware
from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.messages.middleware import MessageMiddleware
from django.contrib.sessions.middleware import SessionMiddleware
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect, JsonResponse
from django.middleware.csrf import CsrfViewMiddleware
from django.middleware.locale import LocaleMiddleware
from django.urls import reverse
from django.utils.deprecation import MiddlewareMixin
from django.utils.http import urlencode
from django_htmx.middleware import HtmxMiddleware
from whitenoise.middleware import WhiteNoiseMiddleware

from accounts.auth.sessions.middleware import SessionTrackingMiddleware
from core.api.endpoints import API_PREFIX
from core.db import translate_db_error
from core.errors import DomainError

HEADLESS_API_PREFIX = "/_allauth/"
API_DOCS_PATHS = ("/api/v1/docs/",)


class PagesOnlyMixin:
    """Goes before a middleware among a class's bases, and keeps it out of the API."""

    get_response: Any

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path.startswith(API_PREFIX) and not request.path.startswith(API_DOCS_PATHS):
            answer: HttpResponse = self.get_response(request)
            return answer
        return super().__call__(request)  # type: ignore[misc]  # the middleware's own


class PageCSPMiddleware(PagesOnlyMixin, CSPMiddleware): ...


class PageStaticFilesMiddleware(PagesOnlyMixin, WhiteNoiseMiddleware): ...


class PageSessionMiddleware(PagesOnlyMixin, SessionMiddleware): ...


class PageLocaleMiddleware(PagesOnlyMixin, LocaleMiddleware): ...


class PageCsrfMiddleware(PagesOnlyMixin, CsrfViewMiddleware): ...


class PageAuthMiddleware(PagesOnlyMixin, SessionTrackingMiddleware):
    """Programs at allauth's API bring a token of their own; see accounts.auth.headless_tokens. A cookie is nothing to them."""

    def process_request(self, request: HttpRequest) -> None:
        browsers = not request.path.startswith(HEADLESS_API_PREFIX)
        super().process_request(request) if browsers else AuthenticationMiddleware.process_request(self, request)

    def process_response(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        return response if request.path.startswith(HEADLESS_API_PREFIX) else super().process_response(request, response)


class PageMessageMiddleware(PagesOnlyMixin, MessageMiddleware): ...


class PageHtmxMiddleware(PagesOnlyMixin, HtmxMiddleware): ...


class AllauthMiddleware(MiddlewareMixin):
    """What allauth's own middleware does, but for one thing: a form is not kept in the session, with its passwords,
    while a person proves who they are once more; they send it again.
    """

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        request.allauth = SimpleNamespace()  # type: ignore[attr-defined]
        with context.request_context(request):
            return self.get_response(request)  # type: ignore[return-value]

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponseBase | None:
        if isinstance(error, ImmediateHttpResponse):
            return error.response
        if request.path.startswith(HEADLESS_API_PREFIX) and isinstance(
            refused := translate_db_error(error), DomainError
        ):
            return _headless_error_response(refused)
        if not isinstance(error, ReauthenticationRequired):
            return None
        methods = get_adapter().get_reauthentication_methods(request.user)
        door = methods[0]["url"] if methods else reverse("login")
        return HttpResponseRedirect(f"{door}?{urlencode({'next': request.get_full_path()})}")


def _headless_error_response(error: DomainError) -> JsonResponse:
    """A refusal in the words of allauth's API."""
    named = [{"param": one.field, "code": one.code, "message": one.message} for one in error.fields]
    errors = named or [{"code": error.code, "message": error.detail}]
    wait = getattr(error, "retry_after", 0)
    headers = {"Retry-After": str(wait)} if wait else {}
    return JsonResponse({"status": error.status, "errors": errors}, status=error.status, headers=headers)


class PageAllauthMiddleware(PagesOnlyMixin, AllauthMiddleware): ...
