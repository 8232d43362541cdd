"""API keys of users and of service accounts, which administrators manage."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods, require_POST

from accounts import policies
from accounts.api_keys import selectors, service_accounts, services
from accounts.api_keys.forms import ApiKeyForm, ServiceAccountForm
from accounts.api_keys.scopes import get_resolver
from accounts.auth.allauth.reauthentication import reauthentication_redirect
from accounts.auth.requests import get_request_user
from accounts.models import User
from core.clock import current_time
from core.forms import form_status
from core.htmx import form_data, render_page

MAX_ENDED_LISTED = 10


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def api_keys(request: HttpRequest) -> HttpResponse:
    """List the user's own keys and create new ones."""
    return keys_page(request, get_request_user(request), {"tab": "keys"})


def keys_page(request: HttpRequest, owner: User, context: dict[str, Any]) -> HttpResponse:
    """List an account's keys and create new ones; a new key's text is shown once, in the response to the form.

    Creating asks for a recent login, so that an unattended browser does not give keys away.
    """
    project_names, now = get_resolver().choices(owner), current_time()
    form = ApiKeyForm(form_data(request), projects=project_names)
    if request.method == "POST" and form.is_valid():
        if response := reauthentication_redirect(request, _list_url(owner)):
            return response
        actor = get_request_user(request)
        created = form.submit(lambda _: services.create_key(actor=actor, owner=owner, spec=form.key_spec(now), now=now))
        if created is not None:
            # No redirect: the text of the key exists only in this response.
            return _created_response(request, created)
    keys = list(selectors.list_api_keys(owner).select_related("successor").order_by("-pk"))
    for key in keys:
        # Projects are stored by id, and may have been deleted since.
        key.project_names = [project_names.get(project_id, "a deleted project") for project_id in key.projects]
    context |= {
        "owner": owner,
        "form": form,
        "open_keys": [key for key in keys if key.is_open(now)],
        "ended_keys": [key for key in keys if not key.is_open(now)][:MAX_ENDED_LISTED],
    }
    return render_page(request, "accounts/api_keys.html", context, status=form_status(form))


@login_required
@require_POST
def rotate_key(request: HttpRequest, key_id: UUID) -> HttpResponse:
    """Replace a key; the old one stays valid for a day, so that programs can be switched over."""
    key = selectors.get_api_key(get_request_user(request), key_id)
    if response := reauthentication_redirect(request, _list_url(key.owner)):
        return response
    created = services.rotate_key(actor=get_request_user(request), key_id=key_id, now=current_time())
    return _created_response(request, created)


@login_required
@require_POST
def revoke_key(request: HttpRequest, key_id: UUID) -> HttpResponse:
    """Revoke a key at once."""
    key = selectors.get_api_key(get_request_user(request), key_id)
    services.revoke_key(actor=get_request_user(request), key_id=key_id, now=current_time())
    messages.success(request, gettext("%(name)s revoked.") % {"name": key.name})
    return redirect(_list_url(key.owner))


def _created_response(request: HttpRequest, created: services.CreatedKey) -> HttpResponse:
    context = {"key": created.key, "text": created.text, "tab": "keys", "back": _list_url(created.key.owner)}
    response = render_page(request, "accounts/api_key_created.html", context)
    # The page holds the key, so no cache may keep it.
    response["Cache-Control"] = "no-store"
    return response


def _list_url(owner: User) -> str:
    return reverse("service-account", args=[owner.pk]) if owner.is_service else reverse("settings-api-keys")


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def service_account_list(request: HttpRequest) -> HttpResponse:
    """List service accounts and create new ones."""
    reader = get_request_user(request)
    policies.require_manager(reader)
    form = ServiceAccountForm(form_data(request))
    account = form.submit(lambda data: service_accounts.create_service_account(actor=reader, **data))
    if account is not None:
        message = gettext("%(name)s created. Create an API key for it, and add @%(handle)s to projects.") % {
            "name": account.name,
            "handle": account.handle,
        }
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
    account = service_accounts.update_service_account(
        actor=get_request_user(request),
        account_id=account_id,
        changes={"is_active": request.POST.get("is_active") == "true"},
        now=current_time(),
    )
    messages.success(request, f"{account.name} {'activated' if account.is_active else 'deactivated'}.")
    return redirect("service-account", account.pk)
