"""Redirects of forms and fragments whose session has ended."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import Resolver404, resolve, reverse
from django.utils.http import urlencode
from django.utils.translation import gettext, gettext_noop
from django_htmx.http import HttpResponseClientRedirect

from core.api.endpoints import API_PREFIX
from core.htmx import safe_redirect_url

SESSION_ENDED = gettext_noop("Your session has ended. Sign in again to continue.")
READS = {"GET", "HEAD"}


class SignInRedirectMiddleware:
    """Makes sign-in lead back to the page of a form or fragment.

    The path of a form may take no GET, and a fragment would show the sign-in page inside another page.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if request.path.startswith(API_PREFIX):
            return response
        if response.status_code == 405 and request.method in READS and request.user.is_authenticated:
            query = request.META.get("QUERY_STRING", "")
            return HttpResponseRedirect(parent_page(request.path) + (f"?{query}" if query else ""))
        is_fragment = bool(request.headers.get("HX-Request"))
        if request.method in READS and not is_fragment:
            return response
        # Only the redirect of `login_required`: to sign in and come back to this path.
        location = urlsplit(response.get("Location", ""))
        next_paths = parse_qs(location.query).get("next")
        if location.path != reverse("login") or next_paths != [request.get_full_path()]:
            return response
        messages.info(request, gettext(SESSION_ENDED))
        return redirect_to_sign_in(request)


def redirect_to_sign_in(request: HttpRequest) -> HttpResponse:
    """Redirect the whole page to the sign-in page, which leads back to this one."""
    url = f"{reverse('login')}?{urlencode({'next': origin_page(request)})}"
    return HttpResponseClientRedirect(url) if request.headers.get("HX-Request") else HttpResponseRedirect(url)


def origin_page(request: HttpRequest) -> str:
    """Return path and query of the page that holds the form or the fragment."""
    url = request.headers.get("HX-Current-URL") or request.headers.get("Referer") or ""
    parts = urlsplit(safe_redirect_url(request, url, ""))
    if not parts.path or parts.path == reverse("login"):
        return request.get_full_path()
    return f"{parts.path}?{parts.query}" if parts.query else parts.path


def parent_page(path: str) -> str:
    """Return the nearest path above this one that leads to a page."""
    while path.count("/") > 1:
        path = f"{path.rstrip('/').rpartition('/')[0]}/"
        try:
            resolve(path)
        except Resolver404:
            continue
        return path
    return "/"
