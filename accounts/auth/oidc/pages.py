"""Signing in with an OpenID provider, and the settings page of the linked identities."""

from __future__ import annotations

import secrets
from dataclasses import asdict
from typing import Any

import structlog
from django.conf import settings
from django.contrib import auth, messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST, require_safe

from accounts.auth.allauth.reauthentication import reauthentication_redirect
from accounts.auth.login import continue_browser_login
from accounts.auth.login_methods import selectors as login_methods_selectors
from accounts.auth.oidc import services
from accounts.auth.oidc.client import (
    AuthorizationRequest,
    Client,
    authorization_url,
    fetch_identity,
    get_client,
    provider_names,
)
from accounts.auth.oidc.provider import OidcError, ProviderUnavailable
from accounts.auth.oidc.services import Identity
from accounts.auth.requests import get_next_url, get_request_user
from accounts.users.locales import Locale, browser_locale
from core.api.endpoints import endpoint
from core.clock import current_time
from core.errors import Conflict, DomainError
from core.htmx import render_page
from core.http.client_ip import client_ip, describe_user_agent, user_agent
from core.rate_limits import Use, consume

log = structlog.get_logger("taskflow.oidc")


STATES_KEY = "_oidc_states"
MAX_STATE_AGE = 600
# Each tab may have one; the oldest is forgotten first.
MAX_STATES = 10


@endpoint(brute_force_limit={"POST"}, idempotent=False)
@never_cache
@require_POST
def start(request: HttpRequest, provider_id: str) -> HttpResponse:
    """Send the browser to the provider, to sign in or (`process=connect`) to link an identity.

    A page redirects it, because the content security policy forbids a form that leads to another site.
    """
    client = get_client(provider_id)
    is_linking = request.POST.get("process") == "connect"
    if is_linking and (response := reauthentication_redirect(request)):
        return response
    if request.user.is_authenticated and not is_linking:
        return HttpResponseRedirect(get_next_url(request))
    consume(request, Use("login-provider", client_ip(request), settings.LOGIN_RATE_PER_ADDRESS))
    callback_url = request.build_absolute_uri(reverse("openid_connect_callback", args=[provider_id]))
    authorization_request, state_id = AuthorizationRequest.create(callback_url), secrets.token_urlsafe(32)
    try:
        url = authorization_url(client, authorization_request, state_id)
    except DomainError as error:
        return _error_response(request, client, error, is_linking=is_linking)
    data = {
        "authorization_request": asdict(authorization_request),
        "links_to": str(request.user.pk) if is_linking else "",
        "next": get_next_url(request),
        "locale": asdict(browser_locale(request)),
    }
    states: dict[str, Any] = request.session.get(STATES_KEY, {})
    states[state_id] = {"provider_id": provider_id, "data": data, "started_at": current_time().timestamp()}
    request.session[STATES_KEY] = dict(sorted(states.items(), key=lambda item: item[1]["started_at"])[-MAX_STATES:])
    request.session.save()
    return render_page(request, "socialaccount/redirect_to_provider.html", {"address": url, "name": client.name})


@endpoint(secret_in_url=True)
@never_cache
@require_GET
def callback(request: HttpRequest, provider_id: str) -> HttpResponse:
    """Take the browser back from the provider. Its state is used up, whatever the result."""
    client = get_client(provider_id)
    state = _take_state(request, request.GET.get("state", ""), provider_id=provider_id)
    if state is None:
        detail = gettext("This sign-in was started in another browser, or too long ago. Try again.")
        # Not recorded: without a state any caller could fill the log.
        return _error_response(request, client, OidcError("unknown_state", detail), is_linking=False, is_recorded=False)
    try:
        identity = _identity_from_callback(request, client, state)
        if state["links_to"]:
            services.link_identity(actor=get_request_user(request), identity=identity)
            messages.success(request, gettext("You can now sign in with %(name)s.") % {"name": client.name})
            return redirect("socialaccount_connections")
        # A sign-in that the previous release started has no locale.
        locale = Locale(**state.get("locale", {}))
        user = services.login_with_identity(identity=identity, locale=locale).user
        # Another user may have signed in here meanwhile. Their session ends first.
        if request.user.is_authenticated:
            auth.logout(request)
        return continue_browser_login(request, user, next_url=state["next"])
    except DomainError as error:
        return _error_response(request, client, error, is_linking=bool(state["links_to"]))


def _identity_from_callback(request: HttpRequest, client: Client, state: dict[str, Any]) -> Identity:
    """Return the identity for the code in the callback's URL. Raises OidcError, ProviderUnavailable."""
    if state["links_to"] and state["links_to"] != str(request.user.pk):
        raise OidcError("another_signed_in", "Another user has signed in here since. Try again.")
    if request.GET.get("error") == "access_denied":
        raise OidcError("cancelled", f"You cancelled the sign-in at {client.name}.")
    if "error" in request.GET or not request.GET.get("code"):
        raise OidcError("provider_error")
    authorization_request = AuthorizationRequest(**state["authorization_request"])
    return fetch_identity(client, authorization_request, code=request.GET["code"], issuer=request.GET.get("iss"))


def _error_response(
    request: HttpRequest, client: Client, error: DomainError, *, is_linking: bool, is_recorded: bool = True
) -> HttpResponse:
    """Log and record the failed sign-in, and show why it failed. An outage of the provider is not recorded."""
    log.warning("oidc_login_failed", provider=client.provider_id, reason=error.code)
    if is_recorded and not isinstance(error, ProviderUnavailable):
        services.record_rejected_login(
            provider=client.provider_id,
            reason=error.code,
            address=client_ip(request),
            device=describe_user_agent(user_agent(request)),
        )
    if is_linking and request.user.is_authenticated:
        messages.error(request, gettext("Nothing was linked. %(detail)s") % {"detail": error.detail})
        return redirect("socialaccount_connections")
    context = {"name": client.name, "detail": error.detail, "code": error.code}
    return render_page(request, "socialaccount/login_error.html", context, status=error.status)


def _take_state(request: HttpRequest, state_id: str, *, provider_id: str) -> dict[str, Any] | None:
    """Remove a state and return its data; None for one that is unknown, expired or another provider's.

    It is removed at once, as talking to the provider takes a while.
    """
    states: dict[str, Any] = request.session.get(STATES_KEY, {})
    state = states.get(state_id)
    if state is None or state["provider_id"] != provider_id:
        return None
    del states[state_id]
    request.session[STATES_KEY] = states
    request.session.save()
    data: dict[str, Any] = state["data"]
    return data if current_time().timestamp() - state["started_at"] <= MAX_STATE_AGE else None


@never_cache
@login_required
@require_safe
def identities(request: HttpRequest) -> HttpResponse:
    """List the linked identities, and the providers that the user could link."""
    names = provider_names()
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
        services.unlink_identity(actor=get_request_user(request), identity_id=identity_id, now=current_time())
    except Conflict as error:
        messages.error(request, error.detail)
    else:
        messages.success(request, gettext("Account unlinked."))
    return redirect("socialaccount_connections")
