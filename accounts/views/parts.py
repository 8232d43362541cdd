"""What several pages of an account need."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.utils.http import url_has_allowed_host_and_scheme

from accounts.models import User


def person_of(request: HttpRequest) -> User:
    """The signed-in person as a User rather than the request's lazy stand-in."""
    assert isinstance(request.user, User)
    return request.user


def status_of(form: Any) -> int:
    return 422 if form.is_bound and form.errors else 200


def next_of(request: HttpRequest) -> str:
    """Where to go after signing in: a path of this site, the overview otherwise."""
    wanted = request.POST.get("next") or request.GET.get("next") or ""
    safe = url_has_allowed_host_and_scheme(
        wanted, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return wanted if safe else "/"
