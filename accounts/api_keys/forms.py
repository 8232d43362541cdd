"""Forms for new API keys and service accounts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django import forms
from django.utils.translation import gettext_lazy

from accounts.api_keys.scopes import RESOURCES, SCOPES, VERBS
from accounts.api_keys.services import KeySpec
from core.forms import PageForm, SingleLineField


class ApiKeyForm(PageForm):
    """Name, rights and lifetime of a new API key."""

    LIFETIMES = {7: "7 days", 30: "30 days", 90: "90 days", 180: "180 days", 365: "1 year"}

    name = SingleLineField(
        label=gettext_lazy("Name"), max_length=80, help_text=gettext_lazy("For example “CI server”.")
    )
    days = forms.TypedChoiceField(
        label=gettext_lazy("Expires after"), choices=list(LIFETIMES.items()), coerce=int, initial=90
    )
    scopes = forms.MultipleChoiceField(
        label=gettext_lazy("Permissions"),
        choices=[(scope, scope) for scope in SCOPES],
        widget=forms.CheckboxSelectMultiple,
    )
    projects = forms.MultipleChoiceField(
        label=gettext_lazy("Only these projects"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=gettext_lazy(
            "Leave empty for all projects the account can access. Otherwise, requests must name one of these projects."
        ),
    )
    allowed_networks = forms.CharField(
        label=gettext_lazy("Allowed IP addresses"),
        required=False,
        max_length=1000,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=gettext_lazy(
            "One address or network per line, like 192.0.2.7 or 192.0.2.0/24. Leave empty to allow any."
        ),
    )

    def __init__(self, *args: Any, projects: Mapping[UUID, str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["projects"].choices = [(str(key), name) for key, name in projects.items()]

    def key_spec(self, now: datetime) -> KeySpec:
        """Return the validated form as the service's input."""
        data = self.cleaned_data
        return KeySpec(
            name=data["name"],
            scopes=data["scopes"],
            projects=data["projects"],
            allowed_networks=data["allowed_networks"].split(),
            expires_at=now + timedelta(days=data["days"]),
        )

    def scope_rows(self) -> Iterator[tuple[str, list[tuple[str, forms.boundfield.BoundWidget | None]]]]:
        """Yield each resource with its checkboxes per verb; None where there is no such scope."""
        boxes = dict(zip(SCOPES, self["scopes"], strict=True))
        for resource in RESOURCES:
            yield resource, [(verb, boxes.get(f"{resource}:{verb}")) for verb in VERBS]


class ServiceAccountForm(PageForm):
    name = SingleLineField(
        label=gettext_lazy("Name"), max_length=120, help_text=gettext_lazy("Shown in lists and in activity.")
    )
    role = forms.ChoiceField(
        label=gettext_lazy("Role"),
        choices=[
            ("user", gettext_lazy("User: access to its own projects")),
            ("staff", gettext_lazy("Staff: can read every project")),
        ],
        initial="user",
    )
