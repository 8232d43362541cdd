"""The providers of the settings; there are none in the database, where a secret of ours would lie open."""

from __future__ import annotations

from typing import Any

from django.conf import settings

from accounts.auth.oidc.client import Client
from accounts.auth.oidc.issuer import get_issuer
from core.errors import NotFound


def provider_names() -> dict[str, str]:
    """Return what people call each provider, by its id."""
    return {app["provider_id"]: app["name"] for app in _apps()}


def get_client(provider_id: str) -> Client:
    for app in _apps():
        if app["provider_id"] == provider_id:
            issuer = get_issuer(app["settings"]["server_url"])
            return Client(provider_id, app["name"], issuer=issuer, client_id=app["client_id"], secret=app["secret"])
    raise NotFound("There is no such provider.")


def _apps() -> list[dict[str, Any]]:
    apps: list[dict[str, Any]] = settings.SOCIALACCOUNT_PROVIDERS["openid_connect"]["APPS"]
    return apps
