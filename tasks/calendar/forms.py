from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy

from core.forms import PageForm


class MoveTaskForm(PageForm):
    """A task's new day in the calendar; without a day the task is not due any more."""

    task = forms.UUIDField(widget=forms.HiddenInput)
    version = forms.IntegerField(required=False, widget=forms.HiddenInput)
    # The day that the page showed: a change of anything else is no conflict.
    seen = forms.DateField(required=False, widget=forms.HiddenInput)
    day = forms.DateField(label=gettext_lazy("Due"), required=False, widget=forms.DateInput(attrs={"type": "date"}))

    def __init__(self, data: Any = None, **options: Any) -> None:
        super().__init__(data, auto_id="move_%s", **options)
