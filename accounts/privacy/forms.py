"""The form that confirms account deletion."""

from typing import Any

from django import forms
from django.utils.translation import gettext, gettext_lazy

from core.forms import PageForm


class DeleteAccountForm(PageForm):
    """Confirmation by password or, for a user without one, by email address."""

    confirmation = forms.CharField(label=gettext_lazy("Your email address"), max_length=254, strip=False)

    def __init__(self, *args: Any, with_password: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if with_password:
            self.fields["confirmation"].label = gettext("Your password")
            self.fields["confirmation"].widget = forms.PasswordInput(attrs={"autocomplete": "current-password"})
