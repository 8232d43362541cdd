"""The OpenID providers of the setting OIDC_PROVIDERS. There are none in the database, which would store their secrets."""

from __future__ import annotations

from django.conf import settings

from accounts.auth.oidc.client import Client
from accounts.auth.oidc.issuer import get_issuer
from core.errors import NotFound


def provider_names() -> dict[str, str]:
    """Return the display name of each provider by its id."""
    return {provider["provider_id"]: provider["name"] for provider in settings.OIDC_PROVIDERS}


def get_client(provider_id: str) -> Client:
    """Return our client at a provider. Raises NotFound."""
    for provider in settings.OIDC_PROVIDERS:
        if provider["provider_id"] == provider_id:
            return Client(
                provider_id,
                provider["name"],
                issuer=get_issuer(provider["issuer"]),
                client_id=provider["client_id"],
                secret=provider["secret"],
            )
    raise NotFound("There is no such provider.")
