"""Read the OpenID Connect providers from the environment: Google and one other issuer."""

from __future__ import annotations

import re
from typing import TypedDict
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

from config import env

GOOGLE_ISSUER = "https://accounts.google.com"


class Provider(TypedDict):
    """One entry of the setting OIDC_PROVIDERS. A public client has an empty secret.

    `trusts_email` counts every address of the issuer as verified. ID tokens may name `trusted_audiences` besides us.
    """

    provider_id: str
    name: str
    issuer: str
    client_id: str
    secret: str
    trusts_email: bool
    trusted_audiences: list[str]


def from_environment() -> list[Provider]:
    """Return the configured providers. Raises ImproperlyConfigured."""
    providers: list[Provider] = []
    if client_id := env.text("OIDC_GOOGLE_CLIENT_ID", ""):
        secret = env.text("OIDC_GOOGLE_CLIENT_SECRET")
        providers.append(
            Provider(
                provider_id="google",
                name="Google",
                issuer=GOOGLE_ISSUER,
                client_id=client_id,
                secret=secret,
                trusts_email=False,
                trusted_audiences=[],
            )
        )
    if issuer := env.text("OIDC_ISSUER", ""):
        url = urlsplit(issuer)
        # Plain HTTP for tests on this machine only: OpenID Connect Discovery demands https.
        is_local = url.scheme == "http" and url.hostname in {"127.0.0.1", "localhost", "::1"}
        if not (url.scheme == "https" or is_local) or not url.hostname or url.query or url.fragment:
            raise ImproperlyConfigured(f"OIDC_ISSUER must be an https:// URL without a query, not {issuer!r}.")
        providers.append(
            Provider(
                # The id follows from the issuer, because a subject is unique only within its issuer.
                provider_id=re.sub(r"[^a-z0-9.]+", "-", f"{url.netloc}{url.path}".lower()).strip("-"),
                name=env.text("OIDC_NAME", "Single sign-on"),
                issuer=issuer,
                client_id=env.text("OIDC_CLIENT_ID"),
                secret=env.text("OIDC_CLIENT_SECRET", ""),
                trusts_email=env.boolean("OIDC_TRUST_EMAIL", False),
                trusted_audiences=env.csv("OIDC_TRUSTED_AUDIENCES"),
            )
        )
    return providers
