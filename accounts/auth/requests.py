"""Who asks for a page, and where they want to go."""

from __future__ import annotations

from django.http import HttpRequest

from accounts.models import User
from core.htmx import safe_redirect_url


def get_request_user(request: HttpRequest) -> User:
    """The signed-in person as a User rather than the request's lazy stand-in."""
    assert isinstance(request.user, User)
    return request.user


def get_next_url(request: HttpRequest) -> str:
    """Where to go after signing in: a path of this site, the overview otherwise."""
    return safe_redirect_url(request, request.POST.get("next") or request.GET.get("next") or "", "/")
