"""What a browser says of a passkey, at pages and at allauth's API: made at this site's own address, and at no other.

A passkey's own rule takes any port and any subdomain of the host it was made for. There may be other programs behind
those; a page of theirs shall not be able to ask for it.
"""

from __future__ import annotations

from ipaddress import ip_address
from typing import Any
from urllib.parse import SplitResult, urlsplit

from allauth.core import context
from allauth.headless.mfa import inputs
from allauth.mfa.adapter import get_adapter
from allauth.mfa.webauthn import forms as webauthn
from django import forms
from django.conf import settings
from fido2.utils import websafe_decode
from fido2.webauthn import CollectedClientData

from accounts.auth.allauth.pending_login import verify_unchanged

STANDARD_PORTS = {"http": 80, "https": 443}
LOCALHOST = "localhost"


class SameOriginForm(forms.Form):
    """Goes before a form of allauth's that has a field `credential`."""

    user: Any

    def clean_credential(self) -> Any:
        verify_unchanged(context.request, self.user)
        credential = self.cleaned_data["credential"]
        if not is_same_origin(_origin_of(credential)):
            raise get_adapter().validation_error("incorrect_code")
        inherited = getattr(super(), "clean_credential", lambda: credential)
        return inherited()


class PasskeyAuthenticateForm(SameOriginForm, webauthn.AuthenticateWebAuthnForm): ...


class PasskeyLoginForm(SameOriginForm, webauthn.LoginWebAuthnForm): ...


class PasskeyReauthenticateForm(SameOriginForm, webauthn.ReauthenticateWebAuthnForm): ...


class AuthenticateInput(SameOriginForm, inputs.AuthenticateWebAuthnInput): ...


class SignInInput(SameOriginForm, inputs.LoginWebAuthnInput): ...


class ConfirmInput(SameOriginForm, inputs.ReauthenticateWebAuthnInput): ...


class AddInput(SameOriginForm, inputs.AddWebAuthnInput): ...


def is_same_origin(origin: str) -> bool:
    """Whether it is the origin of SITE_URL; where that is a developer's own machine, any port of localhost."""
    site, found = urlsplit(settings.SITE_URL), urlsplit(origin)
    if _is_loopback(site.hostname or "") and found.hostname == LOCALHOST:
        return True
    return _named(site) == _named(found)


def _named(url: SplitResult) -> tuple[str, str | None, int | None]:
    return url.scheme, url.hostname, _port(url)


def _port(url: SplitResult) -> int | None:
    try:
        return url.port or STANDARD_PORTS.get(url.scheme)
    except ValueError:
        return -1


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == LOCALHOST


def _origin_of(credential: Any) -> str:
    """Empty for what no browser would send."""
    try:
        origin = CollectedClientData(websafe_decode(credential["response"]["clientDataJSON"])).origin
    except (AttributeError, KeyError, TypeError, ValueError):
        return ""
    return origin if isinstance(origin, str) else ""
