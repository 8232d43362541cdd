"""The settings page of the identities that a user can sign in with."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from accounts.auth.allauth.reauthentication import reauthentication_redirect
from accounts.auth.login_methods import selectors as login_methods_selectors
from accounts.auth.oidc import providers, services
from accounts.auth.requests import get_request_user
from core.errors import Conflict
from core.htmx import render_page

URL_NAME = "socialaccount_connections"


@never_cache
@login_required
@require_safe
def identities(request: HttpRequest) -> HttpResponse:
    """List the linked identities, and the providers that the user could link."""
    names = providers.provider_names()
    social_accounts = list(login_methods_selectors.list_identities(get_request_user(request)))
    rows = [
        {"id": account.pk, "name": names.get(account.provider, account.provider), "identity": account}
        for account in social_accounts
    ]
    linked = {account.provider for account in social_accounts}
    missing = {provider_id: name for provider_id, name in names.items() if provider_id not in linked}
    return render_page(request, "socialaccount/identities.html", {"rows": rows, "missing": missing, "tab": "security"})


@login_required
@require_POST
def unlink_identity(request: HttpRequest, identity_id: int) -> HttpResponse:
    if response := reauthentication_redirect(request):
        return response
    try:
        services.unlink_identity(actor=get_request_user(request), identity_id=identity_id, now=timezone.now())
    except Conflict as error:
        messages.error(request, error.detail)
    else:
        messages.success(request, "Account unlinked.")
    return redirect(URL_NAME)
