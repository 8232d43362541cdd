"""What several pages of this app do alike."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponseRedirect
from django.utils.http import url_has_allowed_host_and_scheme

from accounts.models import User


def person(request: HttpRequest) -> User:
    """The signed-in person as a User rather than the request's lazy stand-in."""
    assert isinstance(request.user, User)
    return request.user


def back_to(request: HttpRequest, otherwise: str) -> HttpResponseRedirect:
    """Return to the page the form was on, if it is one of ours."""
    wanted = request.POST.get("next", "")
    safe = url_has_allowed_host_and_scheme(
        wanted, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return HttpResponseRedirect(wanted if safe else otherwise)


def status_of(form: Any) -> int:
    return 422 if form.is_bound and form.errors else 200


def version_in(request: HttpRequest) -> frozenset[int] | None:
    """The version the person looked at; None, which skips the check, when the form did not say."""
    sent = request.POST.get("version", "")
    return frozenset({int(sent)}) if sent.isascii() and sent.isdecimal() and len(sent) < 10 else None
