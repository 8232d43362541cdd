"""The public page of a shared task, and the forms that create and revoke links."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.contrib.auth.hashers import check_password
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.crypto import constant_time_compare, salted_hmac
from django.utils.translation import gettext
from django.views.decorators.http import require_POST

from accounts.auth.requests import credential_page, get_request_user
from core.api.endpoints import endpoint
from core.clock import current_time
from core.errors import NotFound
from core.htmx import render_page
from core.rate_limits import Use, consume, refund
from tasks.link_shares import selectors, services
from tasks.link_shares.forms import LinkShareForm
from tasks.models import LinkRole, LinkShare

PASSWORD_HOURS = 12
GUESS_RATE = "30/h"


@endpoint(hashes_password={"POST"})
@login_required
@require_POST
def create_link(request: HttpRequest, key: str) -> HttpResponse:
    """Create a link to a task; the access page shows it."""
    actor, form = get_request_user(request), LinkShareForm(request.POST)
    if form.submit(lambda data: services.create(actor=actor, ref=key, now=current_time(), **data)):
        messages.success(request, gettext("Link created."))
    for errors in form.errors.values():
        messages.error(request, " ".join(errors))
    return redirect("task-access", key=key)


@login_required
@require_POST
def revoke_link(request: HttpRequest, key: str, link_id: UUID) -> HttpResponse:
    services.revoke(actor=get_request_user(request), ref=key, link_id=link_id, now=current_time())
    messages.success(request, gettext("Link revoked."))
    return redirect("task-access", key=key)


@credential_page("password", mfa_exempt=True, secret_in_url=True, hashes_password={"POST"}, brute_force_limit={"POST"})
def shared_task(request: HttpRequest) -> HttpResponse:
    """Show the task of a link, after its password if it has one; a signed-in visitor may join to comment."""
    token = request.POST.get("link") or request.GET.get("link", "")
    try:
        link = selectors.get_link_by_token(token)
    except NotFound as error:
        return _render(request, {"error": error.detail}, status=404)
    context: dict[str, Any] = {"link": link, "token": token}
    is_open = not link.has_password or _has_password_cookie(request, link)
    if request.method == "POST" and not is_open:
        # Counted for the link, from wherever it is guessed at; the right password gives the use back.
        guess = Use("link-password", str(link.pk), GUESS_RATE)
        consume(request, guess)
        if not check_password(request.POST.get("password", ""), link.password_hash):
            context["wrong"] = gettext("This is not the password of the link.")
            return _render(request, context, status=403)
        refund(request, guess)
        response = redirect(f"{request.path}?link={token}")
        response.set_signed_cookie(
            _cookie_name(link),
            _password_digest(link),
            max_age=PASSWORD_HOURS * 3600,
            path=request.path,
            secure=request.is_secure(),
            httponly=True,
            samesite="Lax",
        )
        return response
    if not is_open:
        return _render(request, context)
    if request.method == "POST" and request.user.is_authenticated:
        services.join(user=get_request_user(request), link=link)
        return redirect("task-detail", key=link.task.key)
    context |= {
        "task": link.task,
        "checklist": link.task.checklist.order_by("position"),
        "comments": selectors.newest_comments(link.task),
        "can_join": link.role == LinkRole.COMMENTER,
    }
    return _render(request, context)


def _render(request: HttpRequest, context: dict[str, Any], *, status: int = 200) -> HttpResponse:
    response = render_page(request, "tasks/shared_task.html", context, status=status)
    response["X-Robots-Tag"] = "noindex, nofollow"
    # The address is the secret: no page that the visitor goes on to may learn it. With "no-referrer" browsers would send
    # the form of the password without an origin, and it would be refused as a forgery.
    response["Referrer-Policy"] = "strict-origin"
    return response


def _cookie_name(link: LinkShare) -> str:
    return f"link-{link.pk.hex}"


def _password_digest(link: LinkShare) -> str:
    """Return what shows that a browser has given the present password of a link."""
    return salted_hmac("tasks.link_shares.password", link.password_hash, algorithm="sha256").hexdigest()


def _has_password_cookie(request: HttpRequest, link: LinkShare) -> bool:
    digest = request.get_signed_cookie(_cookie_name(link), default="", max_age=PASSWORD_HOURS * 3600)
    return constant_time_compare(digest, _password_digest(link))
