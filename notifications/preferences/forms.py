"""Form of the notification preferences: a check box for each kind and channel."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import time

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext, gettext_lazy

from core.forms import PageForm, changed_values, show_initial
from notifications.kinds import TEMPLATES, Channel, Kind
from notifications.preferences.selectors import PreferenceMatrix


@dataclass(frozen=True, slots=True)
class PreferenceRow:
    """A row of the table: a kind, its description and one check box per channel."""

    kind: Kind
    description: str
    boxes: list[tuple[Channel, forms.BoundField]]


class PreferencesForm(PageForm):
    reminder_time = forms.TimeField(
        label=gettext_lazy("Remind me of tasks due today at"),
        required=False,
        help_text=gettext_lazy("In your time zone."),
        widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M"),
    )

    def __init__(self, data: QueryDict | None, *, matrix: PreferenceMatrix, reminder_time: time) -> None:
        boxes = {
            _field_name(kind, channel): enabled
            for kind, channels in matrix.items()
            for channel, enabled in channels.items()
        }
        super().__init__(data, initial={"reminder_time": reminder_time, **boxes})
        for name in boxes:
            self.fields[name] = forms.BooleanField(required=False)
        show_initial(self)

    def rows(self) -> Iterator[PreferenceRow]:
        """Yield the table's rows, one for each kind, in the order of the enum."""
        # Every kind, also one without a row yet: a new kind appears without a migration.
        for kind in Kind:
            boxes = [(channel, self[_field_name(kind, channel)]) for channel in Channel]
            yield PreferenceRow(kind, gettext(TEMPLATES[kind].description), boxes)

    def changes(self) -> Mapping[Kind, Mapping[Channel, bool]]:
        """Return the changed boxes by kind and channel: a box that is not ticked is off."""
        values = changed_values(self)
        return {
            kind: {c: values[_field_name(kind, c)] for c in Channel if _field_name(kind, c) in values} for kind in Kind
        }


def _field_name(kind: Kind, channel: Channel) -> str:
    return f"{kind.value}-{channel.value}"
