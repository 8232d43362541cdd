"""allauth's forms in our words: one field for a new password, no placeholders, codes counted and used up once."""

from __future__ import annotations

from typing import Any

from allauth.account import forms as account
from allauth.account.adapter import get_adapter as get_account_adapter
from allauth.core import context
from allauth.mfa.adapter import get_adapter
from allauth.mfa.base import forms as mfa
from allauth.mfa.totp.forms import ActivateTOTPForm
from allauth.mfa.webauthn.forms import AddWebAuthnForm
from django import forms
from django.utils import timezone

from accounts import guard, selectors, services
from accounts.adapters.doors import answered, count_second_factor
from accounts.adapters.half_done import require_same
from accounts.adapters.passkeys import OfThisSite
from accounts.models import User
from core.errors import Invalid

NEW_PASSWORD = "At least 10 characters; a sentence is better than a riddle."  # noqa: S105


class Worded(forms.Form):
    """Labels and hints by field; a label is enough, so there are no placeholders."""

    labels: dict[str, str] = {}
    hints: dict[str, str] = {}
    without: tuple[str, ...] = ()

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        for name in self.without:
            del self.fields[name]
        for name, field in self.fields.items():
            field.widget.attrs.pop("placeholder", None)
            field.label = self.labels.get(name, field.label)
            field.help_text = self.hints.get(name, "")


def require_present(person: User, password: str) -> None:
    """Whoever sits at a browser that is signed in tries passwords no longer than whoever signs in: it is one count."""
    try:
        with answered(context.request), guard.proving(context.request, person):
            services.require_password(person, password, field="oldpassword")
    except Invalid as refusal:
        raise get_account_adapter().validation_error("enter_current_password") from refusal


class ChangePasswordForm(Worded, account.ChangePasswordForm):
    labels = {"oldpassword": "Present password", "password1": "New password"}
    hints = {"password1": NEW_PASSWORD}
    without = ("password2",)

    def clean_oldpassword(self) -> str:
        password: str = self.cleaned_data["oldpassword"]
        require_present(self.user, password)
        return password


class SetPasswordForm(Worded, account.SetPasswordForm):
    labels = {"password1": "New password"}
    hints = {"password1": NEW_PASSWORD}
    without = ("password2",)


class NewPasswordForm(Worded, account.ResetPasswordKeyForm):
    labels = {"password1": "New password"}
    hints = {"password1": NEW_PASSWORD}
    without = ("password2",)


class ResetPasswordForm(Worded, account.ResetPasswordForm):
    labels = {"email": "E-mail"}


class NewAddressForm(Worded, account.AddEmailForm):
    labels = {"email": "New address"}


class ConfirmForm(Worded, account.ReauthenticateForm):
    labels = {"password": "Password"}


class Counted(mfa.BaseAuthenticateForm):
    """Two doors, one lock: the same code is taken once, whether a page or a program sends it."""

    def clean_code(self) -> str:
        require_same(context.request, self.user)
        count_second_factor(context.request, self.user)
        code: str = self.cleaned_data["code"]
        found = services.accept_code(person=self.user, code=code, now=timezone.now())
        if found is None:
            guard.note_wrong_code(context.request, self.user)
            raise get_adapter().validation_error("incorrect_code")
        guard.note_right_code(context.request, self.user)
        self.authenticator = found
        return code


class CodeForm(Worded, Counted, mfa.AuthenticateForm):
    hints = {"code": "Six digits from your authenticator app, or one of your recovery codes."}


class ConfirmCodeForm(Worded, Counted, mfa.ReauthenticateForm):
    hints = CodeForm.hints


class ActivateAppForm(Worded, ActivateTOTPForm):
    labels = {"code": "Code from the app"}
    hints = {"code": "Six digits; they change every half minute."}


class AddPasskeyForm(Worded, OfThisSite, AddWebAuthnForm):
    labels = {"name": "Name", "passwordless": "Sign in with it alone"}
    hints = {
        "name": "What you call the device that keeps it.",
        "passwordless": "Then it takes the place of the password too, and asks for a finger, a face or a PIN.",
    }

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        named = selectors.second_factors(self.user).passkeys
        self.initial["name"] = f"Passkey {len(named) + 1}"
        self.fields["name"].max_length = 100
        self.initial.setdefault("passwordless", True)
