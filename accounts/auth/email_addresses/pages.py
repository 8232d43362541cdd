"""Whether an address is its person's, and changing it."""

from __future__ import annotations

from allauth.account.internal.flows.email_verification import login_on_verification
from allauth.account.internal.flows.reauthentication import raise_if_reauthentication_required
from allauth.account.models import EmailConfirmationHMAC
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from accounts.auth.allauth.forms import ChangeEmailForm
from accounts.auth.email_addresses import services
from accounts.auth.rate_limits import check_rate, request_email_change
from accounts.auth.requests import get_request_user
from core.api.endpoints import endpoint
from core.forms import form_status
from core.htmx import form_data, render_page


@endpoint(mfa_exempt=True, secret_in_url=True)
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def verify_email(request: HttpRequest) -> HttpResponse:
    """The page of the link. Nothing happens by opening it, because mail programs open links too: a button confirms."""
    key = request.POST.get("key", "") or request.GET.get("key", "")
    found = EmailConfirmationHMAC.from_key(key)
    if found is None:
        return render_page(request, "account/email_confirmation_expired.html", {}, status=404)
    if request.method != "POST":
        return render_page(request, "account/email_confirm.html", {"key": key, "email": found.email_address.email})
    address = found.confirm(request)
    if address is None:
        return render_page(request, "account/email_confirmation_expired.html", {}, status=409)
    login_on_verification(request, address)
    return redirect("mfa_index" if request.user.is_authenticated else "login")


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def change_email(request: HttpRequest) -> HttpResponse:
    """The new address takes the place of the present one when the link that is mailed to it is opened."""
    raise_if_reauthentication_required(request, app="allauth.account")
    user = get_request_user(request)
    form = ChangeEmailForm(data=form_data(request), user=user)
    if request.method == "POST" and form.is_valid():
        request_email_change(request, user, form.cleaned_data["email"])
        messages.success(request, "Open the link that is on its way to the new address.")
        return redirect("mfa_index")
    context = {"form": form, "pending_email": services.get_pending_email(user), "tab": "security"}
    return render_page(request, "account/email_change.html", context, status=form_status(form))


@endpoint(mfa_exempt=True)
@login_required
@require_POST
def resend_verification(request: HttpRequest) -> HttpResponse:
    user = get_request_user(request)
    check_rate(request, "email-link", user.email, settings.EMAIL_LINK_RATE)
    if not services.is_email_verified(user):
        services.send_verification_email(user=user)
    messages.success(request, f"A link is on its way to {user.email}.")
    return redirect("mfa_index")
