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

from accounts import selectors, services
from accounts.adapters.confirming import confirmation
from accounts.callers import person_of
from accounts.forms import KeyForm
from accounts.models import ApiKey, User
from accounts.scopes import places
from core.errors import Conflict, Invalid
from core.forms import status_of
from core.htmx import page, posted

ENDED_SHOWN = 10


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def keys(request: HttpRequest) -> HttpResponse:
    return keys_page(request, person_of(request), {"tab": "keys"})


def keys_page(request: HttpRequest, owner: User, context: dict[str, Any]) -> HttpResponse:
    """The keys of an account and the form for another one; a new one is shown in the answer to its form, and only there.

    Whoever finds a browser open does not take a key along: to make one asks once more who it is.
    """
    form = KeyForm(posted(request), projects=places().choices(owner))
    if request.method == "POST" and form.is_valid():
        if door := confirmation(request, _address(owner)):
            return door
        now = timezone.now()
        try:
            minted = services.create_key(actor=person_of(request), owner=owner, draft=form.draft(now), now=now)
        except (Invalid, Conflict) as refusal:
            form.add_refusal(refusal)
        else:
            return _shown_once(request, minted)
    shown = {**context, "owner": owner, "form": form, **_listed(owner)}
    return page(request, "accounts/keys.html", shown, status=status_of(form))


def _listed(owner: User) -> dict[str, list[ApiKey]]:
    now, names = timezone.now(), places().choices(owner)
    found = list(selectors.api_keys(owner).select_related("successor").order_by("-pk"))
    for key in found:
        key.project_names = [names.get(one, "a project that is gone") for one in key.projects]
    ended = [key for key in found if not key.is_open(now)]
    return {"open_keys": [key for key in found if key.is_open(now)], "ended_keys": ended[:ENDED_SHOWN]}


@login_required
@require_POST
def rotate_key(request: HttpRequest, key_id: UUID) -> HttpResponse:
    """The old one goes on for a day, so that programs can be told the new one first."""
    key = selectors.get_api_key(person_of(request), key_id)
    if door := confirmation(request, _address(key.owner)):
        return door
    return _shown_once(request, services.rotate_key(actor=person_of(request), key_id=key_id, now=timezone.now()))


@login_required
@require_POST
def revoke_key(request: HttpRequest, key_id: UUID) -> HttpResponse:
    key = selectors.get_api_key(person_of(request), key_id)
    services.revoke_key(actor=person_of(request), key_id=key_id, now=timezone.now())
    messages.success(request, f"{key.name} opens nothing any more.")
    return _back(key.owner)


def _shown_once(request: HttpRequest, minted: services.Minted) -> HttpResponse:
    context = {"key": minted.key, "text": minted.text, "tab": "keys", "back": _address(minted.key.owner)}
    response = page(request, "accounts/key_minted.html", context)
    response["Cache-Control"] = "no-store"
    return response


def _back(owner: User) -> HttpResponse:
    return redirect(_address(owner))


def _address(owner: User) -> str:
    return reverse("service-account", args=[owner.pk]) if owner.is_service else reverse("settings-keys")
