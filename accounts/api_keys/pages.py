"""One's own API keys."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from accounts.api_keys import selectors, services
from accounts.api_keys.forms import ApiKeyForm
from accounts.api_keys.scopes import get_resolver
from accounts.auth.allauth.reauthentication import reauthentication_redirect
from accounts.auth.requests import get_request_user
from accounts.models import ApiKey, User
from core.errors import Conflict, Invalid
from core.forms import form_status
from core.htmx import form_data, render_page

MAX_ENDED_LISTED = 10


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def api_keys(request: HttpRequest) -> HttpResponse:
    return keys_page(request, get_request_user(request), {"tab": "keys"})


def keys_page(request: HttpRequest, owner: User, context: dict[str, Any]) -> HttpResponse:
    """The keys of an account and the form for another one; a new one is shown in the answer to its form, and only there.

    Whoever finds a browser open does not take a key along: to make one asks once more who it is.
    """
    form = ApiKeyForm(form_data(request), projects=get_resolver().choices(owner))
    if request.method == "POST" and form.is_valid():
        if door := reauthentication_redirect(request, _list_url(owner)):
            return door
        now = timezone.now()
        try:
            minted = services.create_key(actor=get_request_user(request), owner=owner, spec=form.key_spec(now), now=now)
        except (Invalid, Conflict) as error:
            form.add_domain_error(error)
        else:
            return _created_response(request, minted)
    shown = {**context, "owner": owner, "form": form, **_keys_by_state(owner)}
    return render_page(request, "accounts/api_keys.html", shown, status=form_status(form))


def _keys_by_state(owner: User) -> dict[str, list[ApiKey]]:
    now, names = timezone.now(), get_resolver().choices(owner)
    found = list(selectors.list_api_keys(owner).select_related("successor").order_by("-pk"))
    for key in found:
        key.project_names = [names.get(one, "a project that is gone") for one in key.projects]
    ended = [key for key in found if not key.is_open(now)]
    return {"open_keys": [key for key in found if key.is_open(now)], "ended_keys": ended[:MAX_ENDED_LISTED]}


@login_required
@require_POST
def rotate_key(request: HttpRequest, key_id: UUID) -> HttpResponse:
    """The old one goes on for a day, so that programs can be told the new one first."""
    key = selectors.get_api_key(get_request_user(request), key_id)
    if door := reauthentication_redirect(request, _list_url(key.owner)):
        return door
    return _created_response(
        request, services.rotate_key(actor=get_request_user(request), key_id=key_id, now=timezone.now())
    )


@login_required
@require_POST
def revoke_key(request: HttpRequest, key_id: UUID) -> HttpResponse:
    key = selectors.get_api_key(get_request_user(request), key_id)
    services.revoke_key(actor=get_request_user(request), key_id=key_id, now=timezone.now())
    messages.success(request, f"{key.name} opens nothing any more.")
    return _redirect_to_list(key.owner)


def _created_response(request: HttpRequest, minted: services.CreatedKey) -> HttpResponse:
    context = {"key": minted.key, "text": minted.text, "tab": "keys", "back": _list_url(minted.key.owner)}
    response = render_page(request, "accounts/api_key_created.html", context)
    response["Cache-Control"] = "no-store"
    return response


def _redirect_to_list(owner: User) -> HttpResponse:
    return redirect(_list_url(owner))


def _list_url(owner: User) -> str:
    return reverse("service-account", args=[owner.pk]) if owner.is_service else reverse("settings-api-keys")
