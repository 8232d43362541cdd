"""Forms of sign-in and reauthentication: throttled codes, and passkeys of this site alone."""

from __future__ import annotations

from io import BytesIO
from ipaddress import ip_address
from typing import Any
from urllib.parse import SplitResult, urlsplit

from allauth.account import forms as account
from allauth.core import context
from allauth.mfa.adapter import get_adapter
from allauth.mfa.base import forms as mfa
from allauth.mfa.models import Authenticator
from django import forms
from django.conf import settings
from django.utils.translation import gettext, gettext_lazy
from fido2.utils import websafe_decode
from fido2.webauthn import CollectedClientData
from rest_framework.exceptions import ParseError

from accounts.auth.allauth import passkeys
from accounts.auth.allauth.passkeys import Purpose
from accounts.auth.login import MFA_CODE, throttled
from accounts.auth.login_methods import selectors as login_methods_selectors
from accounts.auth.mfa import services as mfa_services
from accounts.models import User
from core.api.parsers import StrictJSONParser
from core.clock import current_time
from core.errors import NotAuthenticated
from core.forms import SingleLineField

STANDARD_PORTS = {"http": 80, "https": 443}
LOCALHOST = "localhost"


class CredentialField(forms.CharField):
    """A passkey's response, as JSON, made on this site's own origin.

    WebAuthn accepts any port and any subdomain of the host a passkey was made for. Other programs may run there, and a
    page of theirs must not be able to ask for it.
    """

    widget = forms.HiddenInput

    def clean(self, value: Any) -> dict[str, Any]:
        try:
            credential = StrictJSONParser().parse(BytesIO(super().clean(value).encode()))
        except (ParseError, UnicodeEncodeError) as error:
            raise get_adapter().validation_error("incorrect_code") from error
        if not is_same_origin(_client_origin(credential)):
            raise get_adapter().validation_error("incorrect_code")
        return credential


class RelabelledForm(forms.Form):
    """Labels and hints by field. A label is enough, so there are no placeholders."""

    labels: dict[str, Any] = {}
    hints: dict[str, Any] = {}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, field in self.fields.items():
            field.widget.attrs.pop("placeholder", None)
            field.label = self.labels.get(name, field.label)
            field.help_text = self.hints.get(name, "")


class ReauthenticateForm(RelabelledForm, account.ReauthenticateForm):
    labels = {"password": gettext_lazy("Password")}


class MfaCodeForm(RelabelledForm, mfa.BaseAuthenticateForm):
    """A code at sign-in. `authenticator` is the method whose code it was."""

    hints = {"code": gettext_lazy("Six digits from your authenticator app, or one of your recovery codes.")}

    def clean_code(self) -> str:
        code: str = self.cleaned_data["code"]
        try:
            with throttled(context.request, self.user, secret=MFA_CODE):
                authenticator = mfa_services.verify_code(user=self.user, code=code, now=current_time())
                if authenticator is None:
                    raise NotAuthenticated(code=mfa_services.WRONG_CODE)
        except NotAuthenticated as error:
            raise get_adapter().validation_error("incorrect_code") from error
        self.authenticator = authenticator
        return code


class ReauthenticateCodeForm(MfaCodeForm, mfa.ReauthenticateForm): ...


class AddPasskeyForm(forms.Form):
    name = SingleLineField(
        required=False, max_length=100, help_text=gettext_lazy("What you call the device that stores it.")
    )
    passwordless = forms.BooleanField(
        required=False,
        initial=True,
        label=gettext_lazy("Sign in with it alone"),
        help_text=gettext_lazy("It replaces the password too, and asks for a fingerprint, a face or a PIN."),
    )
    credential = CredentialField()

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user
        count = len(login_methods_selectors.get_mfa_methods(user).passkeys)
        self.initial["name"] = gettext("Passkey %(count)s") % {"count": count + 1}

    def clean_name(self) -> str:
        return self.cleaned_data["name"] or str(self.initial["name"])

    def clean(self) -> None:
        if credential := self.cleaned_data.get("credential"):
            passwordless = self.cleaned_data["passwordless"]
            passkeys.complete_registration(context.request, self.user, credential, passwordless=passwordless)


class PasskeyForm(forms.Form):
    """The response to a passkey challenge; its cleaned `credential` is the passkey. At a login no user is known yet."""

    purpose = Purpose.SECOND_FACTOR
    credential = CredentialField()

    def __init__(self, *args: Any, user: User | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user

    def clean_credential(self) -> Authenticator:
        credential = self.cleaned_data["credential"]
        return passkeys.complete_authentication(context.request, self.purpose, self.user, credential)


class PasskeyLoginForm(PasskeyForm):
    purpose = Purpose.LOGIN


class PasskeyReauthenticateForm(PasskeyForm):
    purpose = Purpose.REAUTHENTICATION


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
