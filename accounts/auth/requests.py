"""The user of a page request, and where the request leads."""

from __future__ import annotations

from django.contrib import auth
from django.http import HttpRequest

from accounts.models import User
from core.htmx import safe_redirect_url


def get_request_user(request: HttpRequest) -> User:
    """Return the signed-in user, rather than the request's lazy object."""
    assert isinstance(request.user, User)
    return request.user


def get_next_url(request: HttpRequest) -> str:
    """Return where to go after signing in: a path of this site, and the overview otherwise."""
    return safe_redirect_url(request, request.POST.get("next") or request.GET.get("next") or "", "/")


def logout_if_current(request: HttpRequest, user: User) -> None:
    """Sign this browser out if it is the user's: a link from an email may be opened anywhere."""
    if request.user == user:
        auth.logout(request)
