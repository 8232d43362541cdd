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

from accounts.auth import throttling
from accounts.auth.allauth.passkey_forms import SameOriginForm
from accounts.auth.allauth.pending_login import verify_unchanged
from accounts.auth.login_methods import selectors as login_methods_selectors
from accounts.auth.mfa import services as mfa_services
from accounts.auth.rate_limits import check_mfa_rate, rate_limit_response
from accounts.models import User
from accounts.users import services as users
from core.errors import Invalid

PASSWORD_HELP_TEXT = "At least 10 characters; a sentence is better than a riddle."  # noqa: S105


class RelabelledForm(forms.Form):
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


def require_current_password(user: User, password: str) -> None:
    """Whoever sits at a browser that is signed in tries passwords no longer than whoever signs in: it is one count."""
    try:
        with rate_limit_response(context.request), throttling.throttled_reauthentication(context.request, user):
            users.require_password(user, password, field="oldpassword")
    except Invalid as error:
        raise get_account_adapter().validation_error("enter_current_password") from error


class ChangePasswordForm(RelabelledForm, account.ChangePasswordForm):
    labels = {"oldpassword": "Present password", "password1": "New password"}
    hints = {"password1": PASSWORD_HELP_TEXT}
    without = ("password2",)

    def clean_oldpassword(self) -> str:
        password: str = self.cleaned_data["oldpassword"]
        require_current_password(self.user, password)
        return password


class SetPasswordForm(RelabelledForm, account.SetPasswordForm):
    labels = {"password1": "New password"}
    hints = {"password1": PASSWORD_HELP_TEXT}
    without = ("password2",)


class NewPasswordForm(RelabelledForm, account.ResetPasswordKeyForm):
    labels = {"password1": "New password"}
    hints = {"password1": PASSWORD_HELP_TEXT}
    without = ("password2",)


class ResetPasswordForm(RelabelledForm, account.ResetPasswordForm):
    labels = {"email": "Email"}


class ChangeEmailForm(RelabelledForm, account.AddEmailForm):
    labels = {"email": "New address"}


class ReauthenticateForm(RelabelledForm, account.ReauthenticateForm):
    labels = {"password": "Password"}


class ThrottledCodeForm(mfa.BaseAuthenticateForm):
    """Two doors, one lock: the same code is taken once, whether a page or a program sends it."""

    def clean_code(self) -> str:
        verify_unchanged(context.request, self.user)
        check_mfa_rate(context.request, self.user)
        code: str = self.cleaned_data["code"]
        found = mfa_services.verify_code(user=self.user, code=code, now=timezone.now())
        if found is None:
            throttling.record_mfa_failure(context.request, self.user)
            raise get_adapter().validation_error("incorrect_code")
        throttling.reset_mfa_failures(context.request, self.user)
        self.authenticator = found
        return code


class MfaCodeForm(RelabelledForm, ThrottledCodeForm, mfa.AuthenticateForm):
    hints = {"code": "Six digits from your authenticator app, or one of your recovery codes."}


class ReauthenticateCodeForm(RelabelledForm, ThrottledCodeForm, mfa.ReauthenticateForm):
    hints = MfaCodeForm.hints


class ActivateTotpForm(RelabelledForm, ActivateTOTPForm):
    labels = {"code": "Code from the app"}
    hints = {"code": "Six digits; they change every half minute."}


class AddPasskeyForm(RelabelledForm, SameOriginForm, AddWebAuthnForm):
    labels = {"name": "Name", "passwordless": "Sign in with it alone"}
    hints = {
        "name": "What you call the device that keeps it.",
        "passwordless": "Then it takes the place of the password too, and asks for a finger, a face or a PIN.",
    }

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        named = login_methods_selectors.get_mfa_methods(self.user).passkeys
        self.initial["name"] = f"Passkey {len(named) + 1}"
        self.fields["name"].max_length = 100
        self.initial.setdefault("passwordless", True)
