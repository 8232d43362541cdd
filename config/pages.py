"""Pages that belong to no app: error pages and the API documentation."""

from __future__ import annotations

import sys
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.http import urlencode
from django.utils.translation import gettext
from django_htmx.http import HttpResponseClientRefresh
from drf_spectacular.views import SpectacularSwaggerSplitView

from accounts.auth.requests import get_next_url
from config.sign_in_redirects import SESSION_ENDED, origin_page, redirect_to_sign_in
from core.api.endpoints import API_PREFIX
from core.api.problems import domain_problem_response
from core.db import translate_db_error
from core.errors import ServiceUnavailable
from core.form_idempotency import FIELD
from core.htmx import render_page, unavailable_page

# Fields that no page may hold after they were sent.
SECRET_FIELDS = {"password", "current_password", "confirmation", "code", "credential", "key", "token", "setup_token"}


class ApiDocsView(SpectacularSwaggerSplitView):
    """Swagger UI from our own static files, on a page without inline scripts and styles."""

    template_name = "api_docs.html"
    # The documentation is public; without classes DRF loads no user for it.
    authentication_classes: list[Any] = []
    permission_classes: list[Any] = []


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return render(request, "errors/400.html", status=400)


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return render_page(request, "errors/403.html", {}, status=403)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Refuse a form whose token is wrong; a form of this site whose session was replaced may be sent again."""
    is_own_form = request.headers.get("Origin") == f"{request.scheme}://{request.get_host()}"
    if not is_own_form or settings.CSRF_COOKIE_NAME not in request.COOKIES:
        return render(request, "errors/403.html", {"csrf": True}, status=403)
    if request.path.startswith("/login/"):
        # Another tab has signed in meanwhile, or the page is old: the token on a new page is right.
        next_url = get_next_url(request)
        return redirect(
            next_url if request.user.is_authenticated else f"{request.path}?{urlencode({'next': next_url})}"
        )
    if not request.user.is_authenticated:
        messages.info(request, gettext(SESSION_ENDED))
        return redirect_to_sign_in(request)
    if request.headers.get("HX-Request"):
        messages.info(request, gettext("You signed in again in another tab, so this page was reloaded. Try again."))
        return HttpResponseClientRefresh()
    data = [(name, value) for name, values in request.POST.lists() for value in values if name != "csrfmiddlewaretoken"]
    context = {
        "origin_page": origin_page(request),
        "form_data": [] if request.FILES or SECRET_FIELDS & {name for name, _ in data} else data,
        "has_key": FIELD in request.POST,
    }
    return render_page(request, "errors/stale_form.html", context, status=403)


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return render_page(request, "errors/404.html", {}, status=404)


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer an exception that neither a view nor the API has translated; one of middleware comes here as well."""
    # Django calls this while handling the exception: the templates must need no database and no user.
    error = sys.exception()
    fault = translate_db_error(error) if isinstance(error, Exception) else None
    if not isinstance(fault, ServiceUnavailable):
        return render(request, "errors/500.html", status=500)
    to_response = domain_problem_response if request.path.startswith(API_PREFIX) else unavailable_page
    response = to_response(request, fault)
    # It was logged in one line; Django would add a stack trace for each request of an outage.
    response._has_been_logged = True
    return response
