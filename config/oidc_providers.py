"""Read the OpenID Connect providers from the environment: Google and one other issuer."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

from config import env

GOOGLE_ISSUER = "https://accounts.google.com"


def from_environment() -> list[dict[str, Any]]:
    """Return the settings of each configured provider, as django-allauth expects them."""
    providers = []
    if google := env.text("OIDC_GOOGLE_CLIENT_ID", ""):
        providers.append(_provider("google", "Google", GOOGLE_ISSUER, google, env.text("OIDC_GOOGLE_CLIENT_SECRET")))
    if issuer := env.text("OIDC_ISSUER", ""):
        name, client_id = env.text("OIDC_NAME", "Single sign-on"), env.text("OIDC_CLIENT_ID")
        providers.append(_provider(_provider_id(issuer), name, issuer, client_id, env.text("OIDC_CLIENT_SECRET", "")))
    return providers


def _provider(provider_id: str, name: str, issuer: str, client_id: str, secret: str) -> dict[str, Any]:
    settings = {"server_url": issuer}
    return {"provider_id": provider_id, "name": name, "client_id": client_id, "secret": secret, "settings": settings}


def _provider_id(issuer: str) -> str:
    """Return an id made from the issuer: an OIDC subject is unique only together with its issuer."""
    url = urlsplit(issuer)
    is_local = url.scheme == "http" and url.hostname in {"127.0.0.1", "localhost", "::1"}
    if not (url.scheme == "https" or is_local) or not url.hostname or url.query or url.fragment:
        raise ImproperlyConfigured(f"OIDC_ISSUER must be an https:// URL without a query, not {issuer!r}.")
    return re.sub(r"[^a-z0-9.]+", "-", f"{url.netloc}{url.path}".lower()).strip("-")
