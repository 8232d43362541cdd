"""Pages of accounts: the user of a request, where it leads, and the declaration of pages that take credentials."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

from django.conf import settings
from django.contrib import auth
from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from accounts.models import User
from core.api.endpoints import endpoint
from core.htmx import safe_redirect_url
from core.http.client_ip import client_ip
from core.rate_limits import limit_address

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

    It is never cached and takes GET, HEAD and POST only. Error reports leave out the fields in `sensitive`, or all. Where
    secrets can be guessed, an address may send CREDENTIAL_FORM_RATE forms.
    """

    def decorate(view: V) -> V:
        if declarations.get("brute_force_limit"):
            view = _limit_forms(view)
        view = require_http_methods(["GET", "HEAD", "POST"])(view)
        return endpoint(**declarations)(never_cache(sensitive_post_parameters(*sensitive)(view)))

    return decorate


def _limit_forms(view: V) -> V:
    @wraps(view)
    def wrapper(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if request.method == "POST":
            rate = settings.CREDENTIAL_FORM_RATE
            limit_address(request, group=view.__qualname__, address=client_ip(request), rate=rate)
        return view(request, *args, **kwargs)

    return wrapper  # type: ignore[return-value]
