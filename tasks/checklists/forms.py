from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext, gettext_lazy

from core.forms import PageForm, SingleLineField
from tasks.models.checklist import MAX_ITEMS


class ChecklistItemForm(PageForm):
    """Fields of an item; only those that were sent are changed."""

    text = SingleLineField(max_length=500, required=False)
    is_done = forms.ChoiceField(choices=[("true", "Done"), ("false", gettext_lazy("Not done"))], required=False)
    assignee = forms.UUIDField(required=False)
    due_date = forms.DateField(required=False)
    position = forms.IntegerField(min_value=0, max_value=MAX_ITEMS, required=False)

    def clean_text(self) -> str:
        text: str = self.cleaned_data["text"]
        if "text" in self.data and not text:
            raise forms.ValidationError(gettext("Write what is to be done."), "blank")
        return text

    def changes(self) -> dict[str, Any]:
        """Return the fields that the request named, as the service takes them."""
        values = {name: value for name, value in self.cleaned_data.items() if name in self.data}
        if not values.get("position", 0) and values.get("position") != 0:
            values.pop("position", None)
        if "is_done" in values:
            values["is_done"] = values["is_done"] == "true"
        return values
