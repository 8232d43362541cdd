"""Form of a reminder: a usual time before a task is due, or a date of the user's choice."""

from __future__ import annotations

from datetime import time
from typing import Any, ClassVar

from django import forms
from django.utils.translation import gettext, gettext_lazy

from core.forms import PageForm

BEFORE_DUE = [
    ("minutes:0", gettext_lazy("When it's due")),
    ("minutes:10", "10 minutes before"),
    ("minutes:60", "1 hour before"),
    ("minutes:1440", "1 day before"),
    ("minutes:10080", "1 week before"),
    ("days:0", gettext_lazy("On the due day, at…")),
    ("days:1", gettext_lazy("The day before, at…")),
    ("days:7", gettext_lazy("A week before, at…")),
]
AT_A_TIME = [("at", gettext_lazy("On a date of my choice"))]


class ReminderForm(PageForm):
    field_aliases: ClassVar = {"minutes_before": "when", "days_before": "when"}

    when = forms.ChoiceField(label=gettext_lazy("Remind me"))
    time = forms.TimeField(
        required=False,
        initial=time(9),
        widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M"),
    )
    at = forms.DateTimeField(
        label=gettext_lazy("Date and time"),
        required=False,
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
    )

    def __init__(self, *args: Any, is_due: bool, **options: Any) -> None:
        super().__init__(*args, auto_id="reminder_%s", **options)
        # Without a due date there is nothing to be before.
        self.fields["when"].choices = [*BEFORE_DUE, *AT_A_TIME] if is_due else AT_A_TIME

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        kind = cleaned.get("when", "").partition(":")[0]
        needed = {"days": "time", "at": "at"}.get(kind)
        if needed and not cleaned.get(needed) and needed not in self.errors:
            self.add_error(needed, gettext("Choose a time."))
        return cleaned

    def values(self) -> dict[str, Any]:
        """Return the reminder as `reminders.services.add` takes it."""
        kind, _, number = self.cleaned_data["when"].partition(":")
        if kind == "minutes":
            return {"minutes_before": int(number)}
        if kind == "days":
            return {"days_before": int(number), "time": self.cleaned_data["time"]}
        return {"at": self.cleaned_data["at"]}
