"""Inviting people and accepting invitations."""

from __future__ import annotations

from uuid import UUID

from django.conf import settings
from django.contrib import auth, messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from accounts import policies
from accounts.auth.requests import get_request_user
from accounts.users import selectors
from accounts.users.forms import InvitationForm, InvitedRegistrationForm
from accounts.users.invitations import services
from accounts.users.invitations.rate_limits import rate_limited_invitation
from accounts.users.invitations.services import INVALID_INVITATION
from accounts.users.locales import browser_locale
from core.api.endpoints import endpoint
from core.clock import current_time
from core.errors import require
from core.forms import form_status
from core.htmx import form_data, render_page
from core.http.client_ip import client_ip
from core.rate_limits import Use, consume

MAX_LISTED = 100


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def invitations(request: HttpRequest) -> HttpResponse:
    """List invitations and invite people; for staff."""
    user = get_request_user(request)
    require(policies.can_invite(user), "Only staff can invite people.")
    form = InvitationForm(form_data(request))
    if request.method == "POST" and form.is_valid():
        with rate_limited_invitation(request, user, form.cleaned_data["email"]):
            invitation = services.invite(actor=user, email=form.cleaned_data["email"], now=current_time())
        messages.success(request, gettext("Invitation sent to %(email)s.") % {"email": invitation.email})
        return redirect("invitations")
    context = {
        "form": form,
        "invitations": selectors.list_invitations(user).order_by("-pk")[:MAX_LISTED],
        "now": current_time(),
    }
    return render_page(request, "accounts/invitations.html", context, status=form_status(form))


@login_required
@require_POST
def revoke_invitation(request: HttpRequest, invitation_id: UUID) -> HttpResponse:
    """Withdraw an invitation."""
    services.revoke_invitation(actor=get_request_user(request), invitation_id=invitation_id, now=current_time())
    messages.success(request, gettext("Invitation withdrawn."))
    return redirect("invitations")


@endpoint(hashes_password={"POST"}, brute_force_limit={"POST"}, secret_in_url=True)
@never_cache
@sensitive_post_parameters("password")
@require_http_methods(["GET", "HEAD", "POST"])
def accept_invitation(request: HttpRequest) -> HttpResponse:
    """Open the link of an invitation: accept as the signed-in user, sign in first, or register."""
    token = request.POST.get("token") or request.GET.get("token", "")
    # The token comes in the query from the email, and in the body from the forms of this page.
    invitation = selectors.find_invitation(token, current_time())
    if invitation is None:
        return render_page(request, "accounts/invitation.html", {"error": INVALID_INVITATION}, status=404)
    if request.user.is_authenticated:
        user = get_request_user(request)
        if request.method == "POST":
            services.accept_invitation(actor=user, token=token, now=current_time())
            messages.success(request, f"Welcome{f' to {invitation.target}' if invitation.target else ''}.")
            return redirect("overview")
        # The page explains it to a user who opens the link for another address.
        context = {"invitation": invitation, "token": token, "is_other_user": invitation.email != user.email}
        return render_page(request, "accounts/invitation.html", context)
    if selectors.find_active_by_email(email=invitation.email) is not None:
        context = {"invitation": invitation, "token": token, "has_account": True}
        return render_page(request, "accounts/invitation.html", context)
    form = InvitedRegistrationForm(form_data(request))
    if request.method == "POST" and form.is_valid():
        consume(request, Use("register", client_ip(request), settings.REGISTER_RATE))
        now, locale = current_time(), browser_locale(request)
        new_user = form.submit(
            lambda data: services.register_with_invitation(token=token, now=now, locale=locale, **data)
        )
        if new_user is not None:
            auth.login(request, new_user)
            messages.success(
                request, gettext("Welcome, %(get_short_name)s.") % {"get_short_name": new_user.get_short_name()}
            )
            return redirect("overview")
    context = {"invitation": invitation, "token": token, "form": form}
    return render_page(request, "accounts/invitation.html", context, status=form_status(form))
