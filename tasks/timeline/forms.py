from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy

from core.forms import PageForm

DATE_INPUT = {"type": "date"}


class DatesForm(PageForm):
    """A task's new start and due date; without a day it has none."""

    task = forms.UUIDField(widget=forms.HiddenInput)
    version = forms.IntegerField(required=False, widget=forms.HiddenInput)
    # The days that the page showed: a change of anything else is no conflict.
    seen_start = forms.DateField(required=False, widget=forms.HiddenInput)
    seen_due = forms.DateField(required=False, widget=forms.HiddenInput)
    start = forms.DateField(label=gettext_lazy("Start"), required=False, widget=forms.DateInput(attrs=DATE_INPUT))
    due = forms.DateField(label=gettext_lazy("Due"), required=False, widget=forms.DateInput(attrs=DATE_INPUT))

    def __init__(self, data: Any = None, **options: Any) -> None:
        super().__init__(data, auto_id="dates_%s", **options)
