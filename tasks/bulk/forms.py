from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django import forms
from django.urls import reverse
from django.utils.translation import gettext, gettext_lazy

from accounts.models import User
from core.forms import PageForm, SingleLineField, parse_uuid
from tasks.filters.forms import MAX_LISTED_PEOPLE
from tasks.models import Category, Priority

UNCHANGED = ("", gettext_lazy("Don't change"))


class BulkForm(PageForm):
    """Changes of the selected tasks; an empty field changes nothing."""

    status = forms.ChoiceField(choices=[UNCHANGED, *Category.choices], required=False)
    assignee = forms.CharField(required=False, max_length=40, widget=forms.Select)
    priority = forms.TypedChoiceField(
        choices=[UNCHANGED, *Priority.choices], coerce=int, empty_value=None, required=False
    )
    due_date = forms.DateField(required=False, widget=forms.DateInput(attrs={"type": "date"}))
    add_label = SingleLineField(label=gettext_lazy("Add label"), max_length=60, required=False)

    def __init__(
        self, *args: Any, actor: User, people: Sequence[tuple[str, str]] = (), people_url: str = "", **options: Any
    ) -> None:
        super().__init__(*args, **options)
        self.actor = actor
        assignee = self.fields["assignee"].widget
        if len(people) > MAX_LISTED_PEOPLE:
            # As in the filter of the list, forms.js loads the names when the field is used.
            assignee.attrs["data-options-url"] = people_url or reverse("filter-people")
            people = [choice for choice in people if choice[0] in {"me", "none"}]
        assignee.choices = [UNCHANGED, *people]

    def clean_assignee(self) -> list[UUID] | None:
        """Return the assignees as the service takes them, which decides who can be one; None changes nothing."""
        value = self.cleaned_data["assignee"]
        special: dict[str, list[UUID] | None] = {"": None, "me": [self.actor.pk], "none": []}
        if value in special:
            return special[value]
        if user_id := parse_uuid(value):
            return [user_id]
        raise forms.ValidationError(gettext("Choose a person."), "invalid_choice")

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        if not self.errors and not self.changes():
            raise forms.ValidationError(gettext("Choose what to change."), "no_changes")
        return data

    def changes(self) -> dict[str, Any]:
        """Return the changes as the service takes them."""
        data = self.cleaned_data
        changes = {name: data[name] for name in ("status", "priority", "due_date") if data.get(name) not in {"", None}}
        if data.get("assignee") is not None:
            changes["assignees"] = data["assignee"]
        return changes | ({"add_labels": [data["add_label"]]} if data.get("add_label") else {})
