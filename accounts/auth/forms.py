"""Forms of signing in, passwords, email addresses and MFA."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext, gettext_lazy

from core import forms as core_forms
from core.forms import PageForm, SingleLineField


class EmailField(core_forms.EmailField):
    def __init__(self, label: str = "Email", **attributes: Any) -> None:
        widget = forms.EmailInput(attrs={"autocomplete": "username", **attributes})
        super().__init__(label=label, widget=widget)


class CurrentPasswordField(forms.CharField):
    widget = forms.PasswordInput(attrs={"autocomplete": "current-password"})

    def __init__(self, label: str) -> None:
        super().__init__(label=label, max_length=200, strip=False)


class NewPasswordField(CurrentPasswordField):
    widget = forms.PasswordInput(attrs={"autocomplete": "new-password"})

    def __init__(self, label: str) -> None:
        super().__init__(label)
        self.help_text = gettext("At least 10 characters. A few random words work well.")


class LoginForm(PageForm):
    email = EmailField(autofocus=True)
    password = CurrentPasswordField(gettext_lazy("Password"))


class RegisterForm(PageForm):
    name = SingleLineField(
        label=gettext_lazy("Your name"), max_length=120, widget=forms.TextInput(attrs={"autocomplete": "name"})
    )
    email = EmailField()
    password = NewPasswordField(gettext_lazy("Password"))


class PasswordResetForm(PageForm):
    email = EmailField()


class NewPasswordForm(PageForm):
    password = NewPasswordField(gettext_lazy("New password"))


class ChangePasswordForm(PageForm):
    current_password = CurrentPasswordField(gettext_lazy("Current password"))
    password = NewPasswordField(gettext_lazy("New password"))


class ChangeEmailForm(PageForm):
    email = EmailField(gettext_lazy("New address"), autocomplete="email")


class TotpForm(PageForm):
    code = forms.CharField(
        label=gettext_lazy("Code from the app"),
        max_length=20,
        help_text=gettext_lazy("Six digits that change every 30 seconds."),
        widget=forms.TextInput(attrs={"autocomplete": "one-time-code", "inputmode": "numeric"}),
    )


class RenamePasskeyForm(PageForm):
    name = SingleLineField(label=gettext_lazy("Name"), max_length=100)
