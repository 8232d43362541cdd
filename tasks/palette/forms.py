from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy

from core.forms import PageForm, SingleLineField
from tasks.models.search import MAX_SEARCH_LENGTH, validate_search


class PaletteForm(PageForm):
    """Text of the command palette, and where it was opened: the task and project of the page, and its URL."""

    q = SingleLineField(
        label=gettext_lazy("Search or run a command"),
        max_length=MAX_SEARCH_LENGTH,
        required=False,
        validators=[validate_search],
    )
    task = forms.CharField(required=False, max_length=40)
    project = forms.CharField(required=False, max_length=40)
    next = forms.CharField(required=False, max_length=2000)
