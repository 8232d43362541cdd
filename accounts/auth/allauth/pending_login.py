"""Sign-ins that wait, in a browser or a program, for a code, a passkey or a mailed link: good for the password they began with.

What ends sessions does not find these: there is no row yet. So the session keeps which password was right, and it is
compared when a step is taken and once more where the person is let in, as accounts.auth.mfa.services does.
"""

from __future__ import annotations

from allauth.account.internal.stagekit import LOGIN_SESSION_KEY, clear_login
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.core.internal.httpkit import is_headless_request
from allauth.headless.base.response import UnauthorizedResponse
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.crypto import constant_time_compare

from accounts.models import User

PASSWORD_HASH_KEY = "_login_password_hash"
LOGIN_EXPIRED = "This sign-in is over. Begin again."


def remember_password(request: HttpRequest, user: User) -> None:
    request.session[PASSWORD_HASH_KEY] = user.get_session_auth_hash()


def complete(request: HttpRequest, user: User) -> None:
    """Raise unless the person, as they are now, may still be let in by what was proved."""
    _verify_unchanged(request, user)
    request.session.pop(PASSWORD_HASH_KEY, None)


def verify_unchanged(request: HttpRequest, user: User | None) -> None:
    """Before a code or a passkey is looked at: refuse it for a sign-in that is over."""
    if user is not None and LOGIN_SESSION_KEY in request.session:
        _verify_unchanged(request, user)


def _verify_unchanged(request: HttpRequest, user: User) -> None:
    kept = request.session.get(PASSWORD_HASH_KEY, "")
    if user.is_active and constant_time_compare(kept, user.get_session_auth_hash()):
        return
    clear_login(request)
    request.session.pop(PASSWORD_HASH_KEY, None)
    raise ImmediateHttpResponse(_expired_response(request))


def _expired_response(request: HttpRequest) -> HttpResponse:
    if is_headless_request(request):
        answer: HttpResponse = UnauthorizedResponse(request)
        return answer
    messages.error(request, LOGIN_EXPIRED)
    return redirect("login")
