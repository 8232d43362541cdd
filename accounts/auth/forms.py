from django import forms

from core.forms import PageForm, SingleLineField


class LoginForm(PageForm):
    email = forms.EmailField(
        label="Email", max_length=254, widget=forms.EmailInput(attrs={"autocomplete": "username", "autofocus": True})
    )
    password = forms.CharField(
        label="Password",
        max_length=200,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )


class RegisterForm(PageForm):
    name = SingleLineField(label="Your name", max_length=120, widget=forms.TextInput(attrs={"autocomplete": "name"}))
    email = forms.EmailField(label="Email", max_length=254, widget=forms.EmailInput(attrs={"autocomplete": "username"}))
    password = forms.CharField(
        label="Password",
        max_length=200,
        strip=False,
        help_text="At least 10 characters; a sentence is better than a riddle.",
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )
