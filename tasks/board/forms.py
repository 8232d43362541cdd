from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy

from core.forms import PageForm, TitleField
from tasks.models import State

PLACES = [("", gettext_lazy("Keep its order")), ("top", gettext_lazy("Top")), ("bottom", gettext_lazy("Bottom"))]


class MoveCardForm(PageForm):
    """A card's new status and place: a neighbour where it was dropped, or an end of the column."""

    task = forms.UUIDField(widget=forms.HiddenInput)
    version = forms.IntegerField(required=False, widget=forms.HiddenInput)
    # The status that the page showed.
    seen = forms.SlugField(required=False, widget=forms.HiddenInput)
    before = forms.UUIDField(required=False, widget=forms.HiddenInput)
    after = forms.UUIDField(required=False, widget=forms.HiddenInput)
    status = forms.ChoiceField(label=gettext_lazy("Status"))
    place = forms.ChoiceField(label=gettext_lazy("Position"), choices=PLACES, required=False)

    def __init__(self, data: Any = None, *, states: Sequence[State], **options: Any) -> None:
        super().__init__(data, auto_id="move_%s", **options)
        self.fields["status"].choices = [(state.slug, state.name) for state in states]


class NewCardForm(PageForm):
    title = TitleField(max_length=500)
    status = forms.ChoiceField()

    def __init__(self, data: Any = None, *, states: Sequence[State]) -> None:
        super().__init__(data)
        self.fields["status"].choices = [(state.slug, state.name) for state in states]
