from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django import forms

from accounts.api_keys.scopes import RESOURCES, SCOPES, VERBS
from accounts.api_keys.services import KeySpec
from core.forms import PageForm, SingleLineField


class ApiKeyForm(PageForm):
    """What an API key may do, where, and until when."""

    LIVES = {7: "7 days", 30: "30 days", 90: "90 days", 180: "180 days", 365: "A year"}

    name = SingleLineField(label="Name", max_length=80, help_text="Which program has it, and where.")
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
    allowed_networks = forms.CharField(
        label="Only from these addresses",
        required=False,
        max_length=1000,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text="One address or network on a line, like 192.0.2.7 or 192.0.2.0/24. Empty: from anywhere.",
    )

    def __init__(self, *args: Any, projects: Mapping[UUID, str], **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["projects"].choices = [(str(key), name) for key, name in projects.items()]

    def draft(self, now: datetime) -> KeySpec:
        sent = self.cleaned_data
        return KeySpec(
            name=sent["name"],
            scopes=sent["scopes"],
            projects=sent["projects"],
            allowed_networks=sent["allowed_networks"].split(),
            expires_at=now + timedelta(days=sent["days"]),
        )

    def scope_rows(self) -> Iterator[tuple[str, list[tuple[str, forms.boundfield.BoundWidget | None]]]]:
        """The boxes of each resource under read, write and delete; none where there is no such scope."""
        boxes = dict(zip(SCOPES, self["scopes"], strict=True))
        for resource in RESOURCES:
            yield resource, [(verb, boxes.get(f"{resource}:{verb}")) for verb in VERBS]
