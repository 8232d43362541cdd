"""allauth's own way to a provider is closed: the only ones are the views of this package."""

from __future__ import annotations

from typing import Any

from allauth.socialaccount.providers.openid_connect.provider import OpenIDConnectProvider
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse


class OidcProvider(OpenIDConnectProvider):
    package = "accounts.auth.oidc"
    # An ID token that a program brings has no nonce of ours; anybody it was ever shown to could bring it.
    supports_token_authentication = False

    def redirect(self, request: HttpRequest, *args: Any, **options: Any) -> HttpResponse:
        raise PermissionDenied("Sign in with a provider from the page for it.")

    def verify_token(self, request: HttpRequest, token: Any) -> Any:
        raise PermissionDenied("Sign in with a provider from the page for it.")
