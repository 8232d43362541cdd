from typing import Any

from django import forms

from core.forms import PageForm


class DeleteAccountForm(PageForm):
    """Asks for what the person can prove: the password or, without one, the address."""

    confirmation = forms.CharField(label="Your e-mail address", max_length=254, strip=False)

    def __init__(self, *args: Any, with_password: bool, **options: Any) -> None:
        super().__init__(*args, **options)
        if with_password:
            self.fields["confirmation"].label = "Your password"
            self.fields["confirmation"].widget = forms.PasswordInput(attrs={"autocomplete": "current-password"})
