"""Pages of accounts: the user of a request, where it leads, and the declaration of pages that take credentials."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from django.contrib import auth
from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from accounts.models import User
from core.api.endpoints import endpoint
from core.htmx import safe_redirect_url

V = TypeVar("V", bound=Callable[..., HttpResponse])


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


def credential_page(*sensitive: str, **declarations: Any) -> Callable[[V], V]:
    """Decorate a view that shows or takes credentials, with the declarations of its endpoint.

    It is never cached and takes GET, HEAD and POST only. Error reports leave out the fields in `sensitive`, or all.
    """

    def decorate(view: V) -> V:
        view = require_http_methods(["GET", "HEAD", "POST"])(view)
        return endpoint(**declarations)(never_cache(sensitive_post_parameters(*sensitive)(view)))

    return decorate
