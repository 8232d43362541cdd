"""Accounts of programs: for administrators; to others there are none."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from accounts import policies, selectors, services
from accounts.adapters.confirming import confirmation
from accounts.callers import person_of
from accounts.forms import ServiceAccountForm
from accounts.views.keys import keys_page
from core.errors import Invalid
from core.forms import status_of
from core.htmx import page, posted


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def service_accounts(request: HttpRequest) -> HttpResponse:
    reader = person_of(request)
    policies.require_manager(reader)
    form = ServiceAccountForm(posted(request))
    if request.method == "POST" and form.is_valid():
        try:
            account = services.create_service_account(actor=reader, **form.cleaned_data)
        except Invalid as refusal:
            form.add_refusal(refusal)
        else:
            messages.success(request, f"{account.name} is there. Give it a key, and add @{account.handle} to projects.")
            return redirect("service-account", account.pk)
    accounts = selectors.service_accounts(reader).order_by("-is_active", "name")
    context = {"form": form, "accounts": accounts, "tab": "services"}
    return page(request, "accounts/service_accounts.html", context, status=status_of(form))


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def service_account(request: HttpRequest, account_id: UUID) -> HttpResponse:
    account = selectors.get_service_account(person_of(request), account_id)
    return keys_page(request, account, {"tab": "services"})


@login_required
@require_POST
def switch_service_account(request: HttpRequest, account_id: UUID) -> HttpResponse:
    """Deactivate it, or activate it again; keys that ended with it stay ended."""
    policies.require_manager(person_of(request))
    if door := confirmation(request, reverse("service-account", args=[account_id])):
        return door
    account = services.update_service_account(
        actor=person_of(request),
        account_id=account_id,
        changes={"is_active": request.POST.get("is_active") == "true"},
        now=timezone.now(),
    )
    messages.success(request, f"{account.name} is {'active again' if account.is_active else 'closed'}.")
    return redirect("service-account", account.pk)
