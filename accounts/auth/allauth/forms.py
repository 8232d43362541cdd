"""allauth's forms with our labels, throttled codes, and passkeys of this site alone."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Any
from urllib.parse import SplitResult, urlsplit

from allauth.account import forms as account
from allauth.core import context
from allauth.mfa.adapter import get_adapter
from allauth.mfa.base import forms as mfa
from allauth.mfa.webauthn import forms as webauthn
from allauth.mfa.webauthn.forms import AddWebAuthnForm
from django import forms
from django.conf import settings
from django.utils import timezone
from fido2.utils import websafe_decode
from fido2.webauthn import CollectedClientData

from accounts.auth.login import MFA_CODE, throttled
from accounts.auth.login_methods import selectors as login_methods_selectors
from accounts.auth.mfa import services as mfa_services
from core.errors import NotAuthenticated

STANDARD_PORTS = {"http": 80, "https": 443}
LOCALHOST = "localhost"


class SameOriginForm(forms.Form):
    """Accepts credentials from this site's own origin alone. Goes before one of allauth's forms with `credential`.

    WebAuthn accepts any port and any subdomain of the host a passkey was made for. Other programs may run there, and a
    page of theirs must not be able to ask for it.
    """

    def clean_credential(self) -> Any:
        credential = self.cleaned_data["credential"]
        if not is_same_origin(_client_origin(credential)):
            raise get_adapter().validation_error("incorrect_code")
        inherited = getattr(super(), "clean_credential", lambda: credential)
        return inherited()


class RelabelledForm(forms.Form):
    """Labels and hints by field. A label is enough, so there are no placeholders."""

    labels: dict[str, str] = {}
    hints: dict[str, str] = {}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, field in self.fields.items():
            field.widget.attrs.pop("placeholder", None)
            field.label = self.labels.get(name, field.label)
            field.help_text = self.hints.get(name, "")


class ReauthenticateForm(RelabelledForm, account.ReauthenticateForm):
    labels = {"password": "Password"}


class MfaCodeForm(RelabelledForm, mfa.BaseAuthenticateForm):
    """A code at sign-in. `authenticator` is the method whose code it was."""

    hints = {"code": "Six digits from your authenticator app, or one of your recovery codes."}

    def clean_code(self) -> str:
        code: str = self.cleaned_data["code"]
        try:
            with throttled(context.request, self.user, secret=MFA_CODE):
                authenticator = mfa_services.verify_code(user=self.user, code=code, now=timezone.now())
                if authenticator is None:
                    raise NotAuthenticated(code=mfa_services.WRONG_CODE)
        except NotAuthenticated as error:
            raise get_adapter().validation_error("incorrect_code") from error
        self.authenticator = authenticator
        return code


class ReauthenticateCodeForm(MfaCodeForm, mfa.ReauthenticateForm): ...


class AddPasskeyForm(RelabelledForm, SameOriginForm, AddWebAuthnForm):
    labels = {"name": "Name", "passwordless": "Sign in with it alone"}
    hints = {
        "name": "What you call the device that stores it.",
        "passwordless": "It replaces the password too, and asks for a fingerprint, a face or a PIN.",
    }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        passkeys = login_methods_selectors.get_mfa_methods(self.user).passkeys
        self.initial["name"] = f"Passkey {len(passkeys) + 1}"
        self.fields["name"].max_length = 100
        self.initial.setdefault("passwordless", True)


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
