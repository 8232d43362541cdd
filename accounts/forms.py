"""What people type on the pages of this app; the services decide what becomes of it."""

from __future__ import annotations

import zoneinfo
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django import forms
from django.conf import settings

from accounts.models import User
from accounts.scopes import RESOURCES, SCOPES, VERBS
from accounts.services import KeyDraft
from core.forms import LineField, PageForm


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
    name = LineField(label="Your name", max_length=120, widget=forms.TextInput(attrs={"autocomplete": "name"}))
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


def _as_in_the_model(name: str, label: str) -> forms.ChoiceField:
    return forms.ChoiceField(label=label, choices=User._meta.get_field(name).choices)


class ProfileForm(PageForm):
    name = LineField(label="Name", max_length=120, widget=forms.TextInput(attrs={"autocomplete": "name"}))
    time_zone = forms.ChoiceField(label="Time zone", help_text="All times on these pages are shown in it.")
    language = forms.ChoiceField(label="Language", choices=settings.LANGUAGES)
    week_start = _as_in_the_model("week_start", "First day of the week")
    theme = _as_in_the_model("theme", "Theme")
    density = _as_in_the_model("density", "Rows")
    shortcuts = forms.BooleanField(label="Single-key shortcuts", required=False)

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["time_zone"].choices = [(zone, zone.replace("_", " ")) for zone in time_zones()]


class PictureForm(PageForm):
    file = forms.FileField(
        label="Picture",
        help_text="JPEG, PNG or WebP, 5 MB at most. Where and when it was taken is not kept.",
        widget=forms.FileInput(attrs={"accept": "image/jpeg,image/png,image/webp"}),
    )


class LeaveForm(PageForm):
    """Asks for what the person can prove: the password or, without one, the address."""

    confirmation = forms.CharField(label="Your e-mail address", max_length=254, strip=False)

    def __init__(self, *args: Any, with_password: bool, **options: Any) -> None:
        super().__init__(*args, **options)
        if with_password:
            self.fields["confirmation"].label = "Your password"
            self.fields["confirmation"].widget = forms.PasswordInput(attrs={"autocomplete": "current-password"})


class InviteForm(PageForm):
    email = forms.EmailField(
        label="E-mail", max_length=254, widget=forms.EmailInput(attrs={"autocomplete": "off", "spellcheck": "false"})
    )


class JoinForm(PageForm):
    """Like registering, at the address that the invitation was sent to."""

    name = LineField(label="Your name", max_length=120, widget=forms.TextInput(attrs={"autocomplete": "name"}))
    password = forms.CharField(
        label="Password",
        max_length=200,
        strip=False,
        help_text="At least 10 characters; a sentence is better than a riddle.",
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )


class PeopleForm(PageForm):
    """The directory's filters, as they stand in its address."""

    search = forms.CharField(required=False, max_length=100, widget=forms.TextInput(attrs={"type": "search"}))
    state = forms.ChoiceField(
        required=False,
        choices=[("active", "Active"), ("inactive", "Not active"), ("leaving", "Leaving"), ("all", "All")],
    )


def time_zones() -> list[str]:
    """The zones people choose from: a continent and a city, and UTC."""
    return [
        "UTC",
        *sorted(zone for zone in zoneinfo.available_timezones() if "/" in zone and not zone.startswith("Etc")),
    ]


class KeyForm(PageForm):
    """What an API key may do, where, and until when."""

    LIVES = {7: "7 days", 30: "30 days", 90: "90 days", 180: "180 days", 365: "A year"}

    name = LineField(label="Name", max_length=80, help_text="Which program has it, and where.")
    days = forms.TypedChoiceField(label="Ends after", choices=list(LIVES.items()), coerce=int, initial=90)
    scopes = forms.MultipleChoiceField(
        label="What it may do", choices=[(scope, scope) for scope in SCOPES], widget=forms.CheckboxSelectMultiple
    )
    projects = forms.MultipleChoiceField(
        label="Only these projects",
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text="None chosen: wherever the account may be. With some, requests have to name one of them.",
    )
    addresses = forms.CharField(
        label="Only from these addresses",
        required=False,
        max_length=1000,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text="One address or network on a line, like 192.0.2.7 or 192.0.2.0/24. Empty: from anywhere.",
    )

    def __init__(self, *args: Any, projects: Mapping[UUID, str], **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["projects"].choices = [(str(key), name) for key, name in projects.items()]

    def draft(self, now: datetime) -> KeyDraft:
        sent = self.cleaned_data
        return KeyDraft(
            name=sent["name"],
            scopes=sent["scopes"],
            projects=sent["projects"],
            addresses=sent["addresses"].split(),
            expires_at=now + timedelta(days=sent["days"]),
        )

    def scope_rows(self) -> Iterator[tuple[str, list[tuple[str, forms.boundfield.BoundWidget | None]]]]:
        """The boxes of each resource under read, write and delete; none where there is no such scope."""
        boxes = dict(zip(SCOPES, self["scopes"], strict=True))
        for resource in RESOURCES:
            yield resource, [(verb, boxes.get(f"{resource}:{verb}")) for verb in VERBS]


class ServiceAccountForm(PageForm):
    name = LineField(label="Name", max_length=120, help_text="What the program is called in histories and lists.")
    role = forms.ChoiceField(
        label="Role",
        choices=[("user", "User: what its projects give it"), ("staff", "Staff: reads every project")],
        initial="user",
    )
