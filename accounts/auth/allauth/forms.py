"""allauth's forms with our labels, and with codes that are throttled and accepted once."""

from __future__ import annotations

from typing import Any

from allauth.account import forms as account
from allauth.core import context
from allauth.mfa.adapter import get_adapter
from allauth.mfa.base import forms as mfa
from allauth.mfa.webauthn.forms import AddWebAuthnForm
from django import forms
from django.utils import timezone

from accounts.auth.allauth.passkey_forms import SameOriginForm
from accounts.auth.login import MFA_CODE, throttled
from accounts.auth.login_methods import selectors as login_methods_selectors
from accounts.auth.mfa import services as mfa_services
from core.errors import NotAuthenticated


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
