"""Sign-ins that wait, in a browser or a program, for a code, a passkey or a mailed link: good for the password they began with.

What ends sessions does not find these: there is no row yet. So the session keeps which password was right, and it is
compared when a step is taken and once more where the person is let in, as accounts.services.second_factor does.
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

BEGAN_WITH = "_login_of_password"
OVER = "This sign-in is over. Begin again."


def begin(request: HttpRequest, person: User) -> None:
    request.session[BEGAN_WITH] = person.get_session_auth_hash()


def finish(request: HttpRequest, person: User) -> None:
    """Raise unless the person, as they are now, may still be let in by what was proved."""
    _require_same(request, person)
    request.session.pop(BEGAN_WITH, None)


def require_same(request: HttpRequest, person: User | None) -> None:
    """Before a code or a passkey is looked at: refuse it for a sign-in that is over."""
    if person is not None and LOGIN_SESSION_KEY in request.session:
        _require_same(request, person)


def _require_same(request: HttpRequest, person: User) -> None:
    kept = request.session.get(BEGAN_WITH, "")
    if person.is_active and constant_time_compare(kept, person.get_session_auth_hash()):
        return
    clear_login(request)
    request.session.pop(BEGAN_WITH, None)
    raise ImmediateHttpResponse(_answer(request))


def _answer(request: HttpRequest) -> HttpResponse:
    if is_headless_request(request):
        answer: HttpResponse = UnauthorizedResponse(request)
        return answer
    messages.error(request, OVER)
    return redirect("login")
