"""Passkey forms that accept credentials from this site's own origin alone.

WebAuthn accepts any port and any subdomain of the host a passkey was made for. Other programs may run there, and a page
of theirs must not be able to ask for it.
"""

from __future__ import annotations

from ipaddress import ip_address
from typing import Any
from urllib.parse import SplitResult, urlsplit

from allauth.mfa.adapter import get_adapter
from allauth.mfa.webauthn import forms as webauthn
from django import forms
from django.conf import settings
from fido2.utils import websafe_decode
from fido2.webauthn import CollectedClientData

STANDARD_PORTS = {"http": 80, "https": 443}
LOCALHOST = "localhost"


class SameOriginForm(forms.Form):
    """Goes before one of allauth's forms with a field `credential`."""

    def clean_credential(self) -> Any:
        credential = self.cleaned_data["credential"]
        if not is_same_origin(_client_origin(credential)):
            raise get_adapter().validation_error("incorrect_code")
        inherited = getattr(super(), "clean_credential", lambda: credential)
        return inherited()


class PasskeyAuthenticateForm(SameOriginForm, webauthn.AuthenticateWebAuthnForm): ...


class PasskeyLoginForm(SameOriginForm, webauthn.LoginWebAuthnForm): ...


class PasskeyReauthenticateForm(SameOriginForm, webauthn.ReauthenticateWebAuthnForm): ...


def is_same_origin(origin: str) -> bool:
    """Whether this is the origin of SITE_URL. On a developer's own machine any port of localhost is."""
    site, client = urlsplit(settings.SITE_URL), urlsplit(origin)
    if _is_loopback(site.hostname or "") and client.hostname == LOCALHOST:
        return True
    return _origin(site) == _origin(client)


def _origin(url: SplitResult) -> tuple[str, str | None, int | None]:
    try:
        port = url.port or STANDARD_PORTS.get(url.scheme)
    except ValueError:  # beyond 65535
        port = -1
    return url.scheme, url.hostname, port


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == LOCALHOST


def _client_origin(credential: Any) -> str:
    """Return the origin that the browser names; empty for what no browser would send."""
    try:
        origin = CollectedClientData(websafe_decode(credential["response"]["clientDataJSON"])).origin
    except (AttributeError, KeyError, TypeError, ValueError):
        return ""
    return origin if isinstance(origin, str) else ""
