"""What people type on the pages of this app; the services decide what becomes of it."""

from __future__ import annotations

import zoneinfo
from typing import Any

from django import forms
from django.conf import settings

from accounts.models import User
from core.forms import PageForm, SingleLineField


def _choice_field_of(name: str, label: str) -> forms.ChoiceField:
    return forms.ChoiceField(label=label, choices=User._meta.get_field(name).choices)


class ProfileForm(PageForm):
    name = SingleLineField(label="Name", max_length=120, widget=forms.TextInput(attrs={"autocomplete": "name"}))
    time_zone = forms.ChoiceField(label="Time zone", help_text="All times on these pages are shown in it.")
    language = forms.ChoiceField(label="Language", choices=settings.LANGUAGES)
    week_start = _choice_field_of("week_start", "First day of the week")
    theme = _choice_field_of("theme", "Theme")
    density = _choice_field_of("density", "Rows")
    shortcuts = forms.BooleanField(label="Single-key shortcuts", required=False)

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["time_zone"].choices = [(zone, zone.replace("_", " ")) for zone in time_zones()]


class AvatarForm(PageForm):
    file = forms.FileField(
        label="Picture",
        help_text="JPEG, PNG or WebP, 5 MB at most. Where and when it was taken is not kept.",
        widget=forms.FileInput(attrs={"accept": "image/jpeg,image/png,image/webp"}),
    )


class UserFilterForm(PageForm):
    """The directory's filters, as they stand in its address."""

    search = forms.CharField(required=False, max_length=100, widget=forms.TextInput(attrs={"type": "search"}))
    state = forms.ChoiceField(
        required=False,
        choices=[
            ("active", "Active"),
            ("inactive", "Not active"),
            ("pending_deletion", "Pending deletion"),
            ("all", "All"),
        ],
    )


def time_zones() -> list[str]:
    """The zones people choose from: a continent and a city, and UTC."""
    return [
        "UTC",
        *sorted(zone for zone in zoneinfo.available_timezones() if "/" in zone and not zone.startswith("Etc")),
    ]
