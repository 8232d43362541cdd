"""What people type on the pages of this app; the services decide what becomes of it."""

from __future__ import annotations

import zoneinfo
from typing import Any

from django import forms

from accounts.models import User
from core.forms import PageForm


class SignInForm(PageForm):
    email = forms.EmailField(
        label="E-mail", max_length=254, widget=forms.EmailInput(attrs={"autocomplete": "username", "autofocus": True})
    )
    password = forms.CharField(
        label="Password",
        max_length=200,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )


class RegisterForm(PageForm):
    name = forms.CharField(label="Your name", max_length=120, widget=forms.TextInput(attrs={"autocomplete": "name"}))
    email = forms.EmailField(
        label="E-mail", max_length=254, widget=forms.EmailInput(attrs={"autocomplete": "username"})
    )
    password = forms.CharField(
        label="Password",
        max_length=200,
        strip=False,
        help_text="At least 10 characters; a sentence is better than a riddle.",
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )


class ProfileForm(PageForm):
    name = forms.CharField(label="Name", max_length=120, widget=forms.TextInput(attrs={"autocomplete": "name"}))
    time_zone = forms.ChoiceField(label="Time zone", help_text="All times on these pages are shown in it.")
    theme = forms.ChoiceField(label="Theme", choices=User._meta.get_field("theme").choices)

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["time_zone"].choices = [(zone, zone.replace("_", " ")) for zone in time_zones()]


class DeviceForm(PageForm):
    """How this browser shows the pages; kept in cookies, because it is the device that differs."""

    density = forms.ChoiceField(label="Rows", choices=[("comfortable", "Comfortable"), ("compact", "Compact")])
    keys = forms.ChoiceField(label="Single-key shortcuts", choices=[("on", "On"), ("off", "Off")])


def time_zones() -> list[str]:
    """The zones people choose from: a continent and a city, and UTC."""
    return [
        "UTC",
        *sorted(zone for zone in zoneinfo.available_timezones() if "/" in zone and not zone.startswith("Etc")),
    ]
