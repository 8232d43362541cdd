"""Service accounts, for administrators."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from accounts import policies
from accounts.api_keys.pages import keys_page
from accounts.api_keys.service_accounts import selectors, services
from accounts.api_keys.service_accounts.forms import ServiceAccountForm
from accounts.auth.allauth.reauthentication import reauthentication_redirect
from accounts.auth.requests import get_request_user
from core.errors import Invalid
from core.forms import form_status
from core.htmx import form_data, render_page


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def service_accounts(request: HttpRequest) -> HttpResponse:
    """List service accounts and create new ones."""
    reader = get_request_user(request)
    policies.require_manager(reader)
    form = ServiceAccountForm(form_data(request))
    if request.method == "POST" and form.is_valid():
        try:
            account = services.create_service_account(actor=reader, **form.cleaned_data)
        except Invalid as error:
            form.add_domain_error(error)
        else:
            message = f"{account.name} created. Create an API key for it, and add @{account.handle} to projects."
            messages.success(request, message)
            return redirect("service-account", account.pk)
    accounts = selectors.list_service_accounts(reader).order_by("-is_active", "name")
    context = {"form": form, "accounts": accounts, "tab": "services"}
    return render_page(request, "accounts/service_accounts.html", context, status=form_status(form))


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def service_account(request: HttpRequest, account_id: UUID) -> HttpResponse:
    """List the API keys of a service account and create new ones."""
    account = selectors.get_service_account(get_request_user(request), account_id)
    return keys_page(request, account, {"tab": "services"})


@login_required
@require_POST
def set_service_account_active(request: HttpRequest, account_id: UUID) -> HttpResponse:
    """Activate or deactivate a service account; keys revoked by deactivation stay revoked."""
    policies.require_manager(get_request_user(request))
    if response := reauthentication_redirect(request, reverse("service-account", args=[account_id])):
        return response
    account = services.update_service_account(
        actor=get_request_user(request),
        account_id=account_id,
        changes={"is_active": request.POST.get("is_active") == "true"},
        now=timezone.now(),
    )
    messages.success(request, f"{account.name} {'activated' if account.is_active else 'deactivated'}.")
    return redirect("service-account", account.pk)
