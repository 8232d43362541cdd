"""Forms for profiles, avatars, invitations and the directory."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.utils.translation import gettext_lazy

from accounts.auth.forms import NewPasswordField
from accounts.models import User
from core.forms import EmailField, PageForm, SingleLineField, show_initial
from core.time_zones import time_zone_names


def _model_choice_field(name: str, label: str, *, required: bool = True) -> forms.ChoiceField:
    return forms.ChoiceField(label=label, choices=User._meta.get_field(name).choices, required=required)


class ProfileForm(PageForm):
    """Settings of a user's own account."""

    name = SingleLineField(
        label=gettext_lazy("Name"), max_length=120, widget=forms.TextInput(attrs={"autocomplete": "name"})
    )
    time_zone = forms.ChoiceField(
        label=gettext_lazy("Time zone"), help_text=gettext_lazy("Used for all dates and times.")
    )
    language = forms.ChoiceField(label=gettext_lazy("Language"), choices=settings.LANGUAGES)
    week_start = _model_choice_field("week_start", gettext_lazy("First day of the week"))
    theme = _model_choice_field("theme", "Theme")
    density = _model_choice_field("density", "Density")
    shortcuts = forms.BooleanField(label=gettext_lazy("Single-key shortcuts"), required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        show_initial(self)
        self.fields["time_zone"].choices = [
            (zone, zone.replace("_", " ")) for zone in time_zones(self.initial.get("time_zone"))
        ]


class AppearanceForm(PageForm):
    """Theme or density; an empty field changes nothing."""

    theme = _model_choice_field("theme", "Theme", required=False)
    density = _model_choice_field("density", "Density", required=False)


class AvatarForm(PageForm):
    """Upload of a profile picture."""

    file = forms.FileField(
        label=gettext_lazy("Picture"),
        help_text=gettext_lazy("JPEG, PNG or WebP, up to 5 MB. Location and date are removed."),
        widget=forms.FileInput(attrs={"accept": "image/jpeg,image/png,image/webp"}),
    )


class UserFilterForm(PageForm):
    """Filters of the directory, taken from the query string."""

    search = forms.CharField(required=False, max_length=100, widget=forms.TextInput(attrs={"type": "search"}))
    state = forms.ChoiceField(
        required=False,
        choices=[
            ("active", "Active"),
            ("inactive", "Inactive"),
            ("pending_deletion", gettext_lazy("Pending deletion")),
            ("all", "All"),
        ],
    )


def time_zones(current: str | None = None) -> list[str]:
    """Return the time zones to choose from: UTC, those of cities, and the current one."""
    cities = {zone for zone in time_zone_names() if "/" in zone and not zone.startswith("Etc")}
    return ["UTC", *sorted(cities | ({current} if current and current != "UTC" else set()))]


class InvitationForm(PageForm):
    email = EmailField(
        label=gettext_lazy("Email"), widget=forms.EmailInput(attrs={"autocomplete": "off", "spellcheck": "false"})
    )


class InvitedRegistrationForm(PageForm):
    """Registration with the email address of the invitation."""

    name = SingleLineField(
        label=gettext_lazy("Your name"), max_length=120, widget=forms.TextInput(attrs={"autocomplete": "name"})
    )
    password = NewPasswordField("Password")
