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

from accounts import services
from accounts.adapters.confirming import confirmation
from accounts.callers import next_of
from accounts.devices import name_of
from accounts.oidc import clients
from accounts.oidc.conversation import Client, Errand, address_to_go_to, identity_of
from accounts.oidc.refusals import Refused, Unreachable
from accounts.services.identities import Identity
from core.errors import DomainError
from core.htmx import page
from gateway.headers import client_address
from gateway.limits import spend
from gateway.views import user_agent

log = structlog.get_logger("taskflow.oidc")


@never_cache
@require_POST
def start(request: HttpRequest, provider_id: str) -> HttpResponse:
    """Send the browser to the provider.

    By a page that goes on by itself: the policy lets no form lead to another site, and a redirect after a form would.
    """
    client = clients.client_of(provider_id)
    links = request.POST.get("process") == "connect"
    if links and (door := confirmation(request)):
        return door
    if request.user.is_authenticated and not links:
        return HttpResponseRedirect(next_of(request))
    spend(request, group="login-provider", key=client_address(request), rate=settings.LOGIN_RATE_PER_ADDRESS)
    errand = Errand.to(request.build_absolute_uri(reverse("openid_connect_callback", args=[provider_id])))
    links_to = str(request.user.pk) if links else ""
    state_id, state = secrets.token_urlsafe(32), {"errand": errand.kept(), "links": links_to, "next": next_of(request)}
    try:
        address = address_to_go_to(client, errand, state_id)
    except DomainError as refusal:
        _note(request, client, refusal)
        return _refuse(request, client, refusal, links=links)
    statekit.stash_state(request, provider_id=provider_id, state=state, state_id=state_id)
    return page(request, "socialaccount/away.html", {"address": address, "name": client.name})


@never_cache
@require_GET
def callback(request: HttpRequest, provider_id: str) -> HttpResponse:
    """Take the browser back; its state is used up, whatever comes of it."""
    client = clients.client_of(provider_id)
    state = statekit.unstash_state(request, provider_id=provider_id, state_id=request.GET.get("state", ""))
    if state is None:
        refusal = Refused("unknown_state", "This sign-in was begun in another browser, or too long ago. Begin again.")
        return _refuse(request, client, refusal, links=False)
    try:
        identity = _who_came_back(request, client, state)
        if state["links"]:
            return _link(request, client, identity)
        return _let_in(request, identity, state["next"])
    except DomainError as refusal:
        _note(request, client, refusal)
        return _refuse(request, client, refusal, links=bool(state["links"]))


def _who_came_back(request: HttpRequest, client: Client, state: dict[str, Any]) -> Identity:
    if state["links"] and state["links"] != str(request.user.pk):
        raise Refused("another_signed_in", "Somebody else has signed in here since. Begin again.")
    if request.GET.get("error") == "access_denied":
        raise Refused("cancelled", f"You did not allow it at {client.name}.")
    if "error" in request.GET or not request.GET.get("code"):
        raise Refused("provider_error")
    errand = Errand(**state["errand"])
    return identity_of(client, errand, code=request.GET["code"], issuer=request.GET.get("iss"))


def _let_in(request: HttpRequest, identity: Identity, goal: str) -> HttpResponse:
    """Sign the person in as after a right password: a second factor is still asked for."""
    linked = services.sign_in_with(identity=identity)
    if request.user.is_authenticated:
        auth.logout(request)
    record_authentication(request, linked.user, "socialaccount", provider=linked.provider, uid=linked.uid)
    answer: HttpResponse = perform_login(request, linked.user, redirect_url=goal)
    return answer


def _link(request: HttpRequest, client: Client, identity: Identity) -> HttpResponse:
    services.link_identity(actor=request.user, identity=identity)
    messages.success(request, f"You can sign in with {client.name} from now on.")
    return redirect("socialaccount_connections")


def _note(request: HttpRequest, client: Client, refusal: DomainError) -> None:
    """Those that were counted at the start; without a state anybody could fill the log."""
    if isinstance(refusal, Unreachable):
        return
    where = {"address": client_address(request), "device": name_of(user_agent(request))}
    services.note_refusal(provider=client.provider_id, reason=refusal.code, **where)


def _refuse(request: HttpRequest, client: Client, refusal: DomainError, *, links: bool) -> HttpResponse:
    log.warning("provider_refused", provider=client.provider_id, reason=refusal.code)
    if links and request.user.is_authenticated:
        messages.error(request, f"Nothing was linked. {refusal.detail}")
        return redirect("socialaccount_connections")
    context = {"name": client.name, "detail": refusal.detail, "code": refusal.code}
    return page(request, "socialaccount/refused.html", context, status=refusal.status)
