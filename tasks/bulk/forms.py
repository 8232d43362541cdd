from __future__ import annotations

from typing import Any

from django import forms

from core.forms import PageForm, SingleLineField
from tasks.models import Category, Priority

UNCHANGED = ("", "Don't change")


class BulkForm(PageForm):
    """Changes of the selected tasks; an empty field changes nothing."""

    status = forms.ChoiceField(choices=[UNCHANGED, *Category.choices], required=False)
    priority = forms.TypedChoiceField(
        choices=[UNCHANGED, *Priority.choices], coerce=int, empty_value=None, required=False
    )
    due_date = forms.DateField(required=False, widget=forms.DateInput(attrs={"type": "date"}))
    add_label = SingleLineField(label="Add label", max_length=60, required=False)

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        if not self.errors and not self.changes():
            raise forms.ValidationError("Choose what to change.", "no_changes")
        return data

    def changes(self) -> dict[str, Any]:
        """Return the changes as the service takes them."""
        data = self.cleaned_data
        changes = {name: data[name] for name in ("status", "priority", "due_date") if data.get(name) not in {"", None}}
        return changes | ({"add_labels": [data["add_label"]]} if data.get("add_label") else {})
