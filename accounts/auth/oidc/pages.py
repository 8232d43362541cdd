"""Going to a provider, and coming back from it."""

from __future__ import annotations

import secrets
from typing import Any

import structlog
from allauth.account.internal.flows.login import record_authentication
from allauth.account.utils import perform_login
from allauth.socialaccount.internal import statekit
from django.conf import settings
from django.contrib import auth, messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from accounts.auth.allauth.reauthentication import reauthentication_redirect
from accounts.auth.oidc import providers, services
from accounts.auth.oidc.client import AuthorizationRequest, Client, authorization_url, fetch_identity
from accounts.auth.oidc.errors import OidcError, ProviderUnavailable
from accounts.auth.oidc.services import Identity
from accounts.auth.requests import get_next_url
from core.api.endpoints import endpoint
from core.errors import DomainError
from core.htmx import render_page
from core.http.client_ip import client_ip, user_agent
from core.http.user_agents import describe_user_agent
from core.rate_limits import consume

log = structlog.get_logger("taskflow.oidc")


@never_cache
@require_POST
def start(request: HttpRequest, provider_id: str) -> HttpResponse:
    """Send the browser to the provider.

    By a page that goes on by itself: the policy lets no form lead to another site, and a redirect after a form would.
    """
    client = providers.get_client(provider_id)
    links = request.POST.get("process") == "connect"
    if links and (door := reauthentication_redirect(request)):
        return door
    if request.user.is_authenticated and not links:
        return HttpResponseRedirect(get_next_url(request))
    consume(request, group="login-provider", key=client_ip(request), rate=settings.LOGIN_RATE_PER_ADDRESS)
    authorization_request = AuthorizationRequest.to(
        request.build_absolute_uri(reverse("openid_connect_callback", args=[provider_id]))
    )
    links_to = str(request.user.pk) if links else ""
    state_id, state = (
        secrets.token_urlsafe(32),
        {"authorization_request": authorization_request.to_session(), "links": links_to, "next": get_next_url(request)},
    )
    try:
        address = authorization_url(client, authorization_request, state_id)
    except DomainError as error:
        _record_rejection(request, client, error)
        return _error_response(request, client, error, links=links)
    statekit.stash_state(request, provider_id=provider_id, state=state, state_id=state_id)
    return render_page(request, "socialaccount/redirect_to_provider.html", {"address": address, "name": client.name})


@endpoint(secret_in_url=True)
@never_cache
@require_GET
def callback(request: HttpRequest, provider_id: str) -> HttpResponse:
    """Take the browser back; its state is used up, whatever comes of it."""
    client = providers.get_client(provider_id)
    state = statekit.unstash_state(request, provider_id=provider_id, state_id=request.GET.get("state", ""))
    if state is None:
        error = OidcError("unknown_state", "This sign-in was begun in another browser, or too long ago. Begin again.")
        return _error_response(request, client, error, links=False)
    try:
        identity = _fetch_identity(request, client, state)
        if state["links"]:
            return _link(request, client, identity)
        return _login(request, identity, state["next"])
    except DomainError as error:
        _record_rejection(request, client, error)
        return _error_response(request, client, error, links=bool(state["links"]))


def _fetch_identity(request: HttpRequest, client: Client, state: dict[str, Any]) -> Identity:
    if state["links"] and state["links"] != str(request.user.pk):
        raise OidcError("another_signed_in", "Somebody else has signed in here since. Begin again.")
    if request.GET.get("error") == "access_denied":
        raise OidcError("cancelled", f"You did not allow it at {client.name}.")
    if "error" in request.GET or not request.GET.get("code"):
        raise OidcError("provider_error")
    authorization_request = AuthorizationRequest(**state["authorization_request"])
    return fetch_identity(client, authorization_request, code=request.GET["code"], issuer=request.GET.get("iss"))


def _login(request: HttpRequest, identity: Identity, goal: str) -> HttpResponse:
    """Sign the person in as after a right password: a second factor is still asked for."""
    linked = services.login_with_identity(identity=identity)
    if request.user.is_authenticated:
        auth.logout(request)
    record_authentication(request, linked.user, "socialaccount", provider=linked.provider, uid=linked.uid)
    answer: HttpResponse = perform_login(request, linked.user, redirect_url=goal)
    return answer


def _link(request: HttpRequest, client: Client, identity: Identity) -> HttpResponse:
    services.link_identity(actor=request.user, identity=identity)
    messages.success(request, f"You can sign in with {client.name} from now on.")
    return redirect("socialaccount_connections")


def _record_rejection(request: HttpRequest, client: Client, error: DomainError) -> None:
    """Those that were counted at the start; without a state anybody could fill the log."""
    if isinstance(error, ProviderUnavailable):
        return
    where = {"address": client_ip(request), "device": describe_user_agent(user_agent(request))}
    services.record_rejected_login(provider=client.provider_id, reason=error.code, **where)


def _error_response(request: HttpRequest, client: Client, error: DomainError, *, links: bool) -> HttpResponse:
    log.warning("oidc_login_failed", provider=client.provider_id, reason=error.code)
    if links and request.user.is_authenticated:
        messages.error(request, f"Nothing was linked. {error.detail}")
        return redirect("socialaccount_connections")
    context = {"name": client.name, "detail": error.detail, "code": error.code}
    return render_page(request, "socialaccount/login_error.html", context, status=error.status)
