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

from accounts import services
from accounts.adapters.doors import count, propose_address
from accounts.adapters.forms import NewAddressForm
from accounts.callers import person_of
from core.forms import status_of
from core.htmx import page, posted


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def verify_email(request: HttpRequest) -> HttpResponse:
    """The page of the link. Nothing happens by opening it, because mail programs open links too: a button confirms."""
    key = request.POST.get("key", "") or request.GET.get("key", "")
    found = EmailConfirmationHMAC.from_key(key)
    if found is None:
        return page(request, "account/email_confirm_over.html", {}, status=404)
    if request.method != "POST":
        return page(request, "account/email_confirm.html", {"key": key, "email": found.email_address.email})
    address = found.confirm(request)
    if address is None:
        return page(request, "account/email_confirm_over.html", {}, status=409)
    login_on_verification(request, address)
    return redirect("mfa_index" if request.user.is_authenticated else "login")


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def change_email(request: HttpRequest) -> HttpResponse:
    """The new address takes the place of the present one when the link that is mailed to it is opened."""
    raise_if_reauthentication_required(request, app="allauth.account")
    person = person_of(request)
    form = NewAddressForm(data=posted(request), user=person)
    if request.method == "POST" and form.is_valid():
        propose_address(request, person, form.cleaned_data["email"])
        messages.success(request, "Open the link that is on its way to the new address.")
        return redirect("mfa_index")
    context = {"form": form, "waiting": services.proposed_address(person), "tab": "security"}
    return page(request, "account/email_change.html", context, status=status_of(form))


@login_required
@require_POST
def resend_verification(request: HttpRequest) -> HttpResponse:
    person = person_of(request)
    count(request, "account-mail", person.email, settings.ACCOUNT_MAIL_RATE)
    if not services.is_verified(person):
        services.ask_to_verify(person=person)
    messages.success(request, f"A link is on its way to {person.email}.")
    return redirect("mfa_index")
