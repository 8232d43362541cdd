"""Who asks for a page, and where they want to go."""

from __future__ import annotations

from django.http import HttpRequest

from accounts.models import User
from core.htmx import inside


def person_of(request: HttpRequest) -> User:
    """The signed-in person as a User rather than the request's lazy stand-in."""
    assert isinstance(request.user, User)
    return request.user


def next_of(request: HttpRequest) -> str:
    """Where to go after signing in: a path of this site, the overview otherwise."""
    return inside(request, request.POST.get("next") or request.GET.get("next") or "", "/")
