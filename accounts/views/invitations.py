"""Inviting people, and coming by an invitation."""

from __future__ import annotations

from uuid import UUID

from django.conf import settings
from django.contrib import auth, messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from accounts import policies, selectors, services
from accounts.callers import person_of
from accounts.forms import InviteForm, JoinForm
from accounts.limits import counted_invitation
from accounts.models import Invitation
from accounts.services.invitations import NOT_VALID
from core.errors import Conflict, Invalid
from core.forms import status_of
from core.htmx import page, posted
from gateway.headers import client_address
from gateway.limits import spend

BACKEND = settings.AUTHENTICATION_BACKENDS[0]
SHOWN = 100


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def invitations(request: HttpRequest) -> HttpResponse:
    person = person_of(request)
    policies.require(policies.can_invite(person), "Only staff may invite people.")
    form = InviteForm(posted(request))
    if request.method == "POST" and form.is_valid():
        with counted_invitation(request, person, form.cleaned_data["email"]):
            invitation = services.invite(actor=person, email=form.cleaned_data["email"], now=timezone.now())
        messages.success(request, f"{invitation.email} is invited.")
        return redirect("invitations")
    found = selectors.invitations(person).order_by("-pk")[:SHOWN]
    context = {"form": form, "invitations": found, "now": timezone.now()}
    return page(request, "accounts/invitations.html", context, status=status_of(form))


@login_required
@require_POST
def revoke_invitation(request: HttpRequest, invitation_id: UUID) -> HttpResponse:
    services.revoke_invitation(actor=person_of(request), invitation_id=invitation_id, now=timezone.now())
    messages.success(request, "That invitation is withdrawn.")
    return redirect("invitations")


@never_cache
@sensitive_post_parameters("password")
@require_http_methods(["GET", "HEAD", "POST"])
def invitation(request: HttpRequest) -> HttpResponse:
    """Where the link in the mail leads: who has an account accepts with it, who has none gets one."""
    token = request.POST.get("token") or request.GET.get("token", "")
    found = selectors.find_invitation(token, timezone.now())
    if found is None:
        return page(request, "accounts/invitation.html", {"refusal": NOT_VALID}, status=404)
    if request.user.is_authenticated:
        return _accept(request, token, found)
    if selectors.find_user(email=found.email) is not None:
        return page(request, "accounts/invitation.html", {"invitation": found, "token": token, "known": True})
    return _join(request, token, found)


def _accept(request: HttpRequest, token: str, found: Invitation) -> HttpResponse:
    person = person_of(request)
    if request.method == "POST":
        services.accept_invitation(actor=person, token=token, now=timezone.now())
        messages.success(request, f"Welcome{f' to {found.target}' if found.target else ''}.")
        return redirect("overview")
    is_other = found.email != person.email
    return page(request, "accounts/invitation.html", {"invitation": found, "token": token, "is_other": is_other})


def _join(request: HttpRequest, token: str, found: Invitation) -> HttpResponse:
    form = JoinForm(posted(request))
    if request.method == "POST" and form.is_valid():
        spend(request, group="register", key=client_address(request), rate=settings.REGISTER_RATE)
        try:
            person = services.join(token=token, now=timezone.now(), **form.cleaned_data)
        except (Invalid, Conflict) as refusal:
            form.add_refusal(refusal)
        else:
            auth.login(request, person, backend=BACKEND)
            messages.success(request, f"Welcome, {person.get_short_name()}.")
            return redirect("overview")
    context = {"invitation": found, "token": token, "form": form}
    return page(request, "accounts/invitation.html", context, status=status_of(form))
