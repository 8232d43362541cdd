"""Pages and their htmx fragments, which share one URL, and the error pages."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils.cache import patch_vary_headers
from django.utils.http import url_has_allowed_host_and_scheme

from core.db import translate_db_error
from core.errors import (
    DatabaseUnavailable,
    DomainError,
    Invalid,
    NotAuthenticated,
    RateLimited,
    ServiceUnavailable,
    VersionConflict,
)

# The same URL answers with a page or a fragment, so caches, and the back button, must not mix them up.
VARY = ("HX-Request", "HX-Request-Type", "HX-Target", "Cookie")
# Without a copy in the browser, going back after signing out shows nothing.
SIGNED_IN_PAGE = "private, no-store"
# The extra tag of a message whose write can be undone, or of an undo: this and the undo token.
UNDO_TAG, REDO_TAG = "undo:", "redo:"
ERROR_PAGES = {400, 403, 404, 409, 429, 500, 503}


def requested_fragment(request: HttpRequest) -> str:
    """Return the id of the element that htmx replaces; empty if the whole page is requested.

    htmx 4 sends `HX-Target: tag#id`, and requests the whole page when it restores history.
    """
    if request.headers.get("HX-Request-Type") != "partial":
        return ""
    return request.headers.get("HX-Target", "").rpartition("#")[2]


def render_page(
    request: HttpRequest,
    template: str,
    context: Mapping[str, Any],
    *,
    fragments: Mapping[str, str] | None = None,
    status: int = 200,
) -> HttpResponse:
    """Render the fragment for `HX-Target` if there is one, the whole page otherwise."""
    fragment = (fragments or {}).get(requested_fragment(request))
    response = render(request, fragment or template, {**context, "is_fragment": bool(fragment)}, status=status)
    # A fragment has no room for messages; a script shows them as toasts.
    if fragment and (pending := list(messages.get_messages(request))):
        toast = {"text": " ".join(map(str, pending))}
        if tokens := [item.extra_tags for item in pending if (item.extra_tags or "").startswith(UNDO_TAG)]:
            toast["undo"] = tokens[-1].removeprefix(UNDO_TAG)
        response["HX-Trigger"] = json.dumps({"toast": toast})
    patch_vary_headers(response, VARY)
    is_signed_in = getattr(request, "user", None) is not None and request.user.is_authenticated
    response["Cache-Control"] = SIGNED_IN_PAGE if is_signed_in else "private, no-cache"
    return response


def form_data(request: HttpRequest) -> QueryDict | None:
    """Return the data to bind a form to; None leaves it unbound. An empty POST is bound, and not valid."""
    return request.POST if request.method == "POST" else None


def safe_redirect_url(request: HttpRequest, url: str, default: str) -> str:
    """Return the URL if it is on this site, else the default."""
    # An open redirect would let a link to this site lead to a foreign page.
    hosts = {request.get_host()}
    is_safe = url_has_allowed_host_and_scheme(url, allowed_hosts=hosts, require_https=request.is_secure())
    return url if is_safe else default


def sender_url(request: HttpRequest, path: str) -> str:
    """Return the URL of the page that sent a form, if it has this path; else the path."""
    url = safe_redirect_url(request, request.POST.get("next", ""), path)
    return url if url.partition("?")[0] == path else path


def report_error(request: HttpRequest, error: DomainError, *, conflict: str = "") -> int:
    """Add a domain error to the messages of a page, and return its status.

    `conflict` is the text of a VersionConflict.
    """
    messages.error(request, conflict if isinstance(error, VersionConflict) else error.message)
    # 412 is for programs that sent If-Match, and the forms of pages answer 422.
    return {VersionConflict: 409, Invalid: 422}.get(type(error), error.status)


def error_page(request: HttpRequest, status: int, detail: str = "") -> HttpResponse:
    """Render the error page for this status; the detail is a sentence for people."""
    # Other client errors have no page of their own; the status stays what it was.
    name = status if status in ERROR_PAGES else 400
    return render_page(request, f"errors/{name}.html", {"detail": detail, "status": status}, status=status)


def unavailable_page(request: HttpRequest, error: ServiceUnavailable) -> HttpResponse:
    """Render the page of a 503, without the user while the database is away."""
    if isinstance(error, DatabaseUnavailable):
        # Without the request no context processor runs, which would load the user.
        context = {"detail": error.detail, "request_id": getattr(request, "request_id", "")}
        response = HttpResponse(render_to_string("errors/503.html", context), status=503)
        response["Cache-Control"] = "no-store"
    else:
        response = error_page(request, 503, error.detail)
    response["Retry-After"] = str(error.retry_after)
    return response


def rate_limited_page(request: HttpRequest, error: RateLimited) -> HttpResponse:
    """Render the page of a 429 with its Retry-After."""
    response = error_page(request, 429, error.detail)
    response["Retry-After"] = str(error.retry_after)
    return response


class PageErrorMiddleware:
    """Turns domain errors of page views into error pages; the API has its own translation."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        # Errors of views do not come up here: Django hands them to process_exception first.
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        if request.path.startswith("/api/"):
            return None
        error = translate_db_error(error)
        if not isinstance(error, DomainError):
            return None
        # 401 demands a WWW-Authenticate header (RFC 9110, section 15.5.2), for which pages have no scheme.
        if isinstance(error, NotAuthenticated):
            return error_page(request, 403, error.detail)
        # 412 is for programs that sent If-Match; a person is shown a conflict.
        message = error.message
        if isinstance(error, ServiceUnavailable):
            return unavailable_page(request, error)
        if isinstance(error, RateLimited):
            return rate_limited_page(request, error)
        return error_page(request, 409 if error.status == 412 else error.status, message)
