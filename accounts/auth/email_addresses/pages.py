"""Verifying one's email address, and changing it."""

from __future__ import annotations

from allauth.account.decorators import reauthentication_required
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from accounts.auth import login
from accounts.auth.email_addresses import services
from accounts.auth.forms import ChangeEmailForm
from accounts.auth.rate_limited_emails import LINK_EMAIL_GROUP, request_email_change
from accounts.auth.requests import credential_page, get_request_user
from core.api.endpoints import endpoint
from core.clock import current_time
from core.errors import Conflict, Invalid, NotFound
from core.forms import form_status
from core.htmx import form_data, render_page
from core.http.client_ip import client_ip
from core.rate_limits import Use, consume
from core.text import base_address


@credential_page(mfa_exempt=True, secret_in_url=True)
def verify_email(request: HttpRequest) -> HttpResponse:
    """Show the page of the link. A button verifies the address, because mail programs open links by themselves.

    A browser that registered with the address goes on with its sign-in.
    """
    key = request.POST.get("key", "") or request.GET.get("key", "")
    if request.method != "POST":
        address = services.find_address_to_verify(key)
        if address is None:
            return render_page(request, "account/email_confirmation_expired.html", {}, status=404)
        return render_page(request, "account/email_confirm.html", {"key": key, "email": address.email})
    try:
        user = services.verify_email(key=key, now=current_time(), ip=client_ip(request))
    except (Conflict, NotFound) as error:
        return render_page(
            request, "account/email_confirmation_expired.html", {"error": error.detail}, status=error.status
        )
    messages.success(request, gettext("%(email)s is confirmed.") % {"email": user.email})
    pending = login.load_pending_login(request)
    # Only in the browser that registered: the link alone signs nobody in, as emails are forwarded and scanned.
    if pending is not None and pending.user == user:
        return login.continue_browser_login(request, pending.user, next_url=reverse("mfa_index"))
    return redirect("mfa_index" if request.user.is_authenticated else "login")


@never_cache
@require_safe
def verification_sent(request: HttpRequest) -> HttpResponse:
    return render_page(request, "account/verification_sent.html", {})


@credential_page()
@login_required
@reauthentication_required(app="allauth.account")
def change_email(request: HttpRequest) -> HttpResponse:
    """Request another address. It replaces the present one when the link that is sent to it is opened."""
    user = get_request_user(request)
    form = ChangeEmailForm(form_data(request))
    if request.method == "POST" and form.is_valid():
        try:
            request_email_change(request, user, form.cleaned_data["email"])
        except Invalid as error:
            form.add_domain_error(error)
        else:
            messages.success(request, gettext("We sent a confirmation link to the new address."))
            return redirect("mfa_index")
    context = {"form": form, "pending_email": services.get_pending_email(user), "tab": "security"}
    return render_page(request, "account/email_change.html", context, status=form_status(form))


@endpoint(mfa_exempt=True)
@login_required
@require_POST
def resend_verification(request: HttpRequest) -> HttpResponse:
    user = get_request_user(request)
    if not services.is_email_verified(user):
        consume(request, Use(LINK_EMAIL_GROUP, base_address(user.email), settings.EMAIL_LINK_RATE))
        services.send_verification_email(user=user)
    messages.success(request, gettext("We sent a confirmation link to %(email)s.") % {"email": user.email})
    return redirect("mfa_index")
