from django import forms

from core.forms import PageForm, SingleLineField


class InvitationForm(PageForm):
    email = forms.EmailField(
        label="Email", max_length=254, widget=forms.EmailInput(attrs={"autocomplete": "off", "spellcheck": "false"})
    )


class InvitedRegistrationForm(PageForm):
    """Registration with the email address of the invitation."""

    name = SingleLineField(label="Your name", max_length=120, widget=forms.TextInput(attrs={"autocomplete": "name"}))
    password = forms.CharField(
        label="Password",
        max_length=200,
        strip=False,
        help_text="At least 10 characters; a sentence of several words works well.",
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )
