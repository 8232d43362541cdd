"""Form of a task's recurrence: the common rules by fields, any other as the text of a rule."""

from __future__ import annotations

from datetime import date
from typing import Any

from django import forms
from django.utils.translation import gettext, gettext_lazy

from core.forms import PageForm
from tasks.models import RecurrenceMode
from tasks.recurrence.rules import MAX_COUNT, MAX_INTERVAL, MAX_RULE_LENGTH, WEEKDAYS, Frequency, Rule
from tasks.recurrence.wording import DAY_NAMES, ordinal_name, with_suffix

CUSTOM = "CUSTOM"
FREQUENCIES = [
    (Frequency.DAILY.value, gettext_lazy("Days")),
    (Frequency.WEEKLY.value, gettext_lazy("Weeks")),
    (Frequency.MONTHLY.value, gettext_lazy("Months")),
    (Frequency.YEARLY.value, gettext_lazy("Years")),
    (CUSTOM, gettext_lazy("Custom rule")),
]
ENDS = [
    ("never", gettext_lazy("Never")),
    ("until", gettext_lazy("On a date")),
    ("count", gettext_lazy("After a number of times")),
]
MODES = [
    (RecurrenceMode.FIXED.value, gettext_lazy("By schedule, from the due date")),
    (RecurrenceMode.AFTER_COMPLETION.value, gettext_lazy("After completion, from that day")),
]


class RecurrenceForm(PageForm):
    interval = forms.IntegerField(
        label=gettext_lazy("Repeat every"), required=False, min_value=1, max_value=MAX_INTERVAL, initial=1
    )
    frequency = forms.ChoiceField(label=gettext_lazy("Unit"), choices=FREQUENCIES, initial=Frequency.WEEKLY.value)
    weekdays = forms.MultipleChoiceField(
        label=gettext_lazy("On"),
        required=False,
        choices=[(code, name[:3]) for code, name in zip(WEEKDAYS, DAY_NAMES, strict=True)],
        widget=forms.CheckboxSelectMultiple,
    )
    monthly_by = forms.ChoiceField(label=gettext_lazy("On"), required=False)
    rule = forms.CharField(
        label=gettext_lazy("Rule"),
        required=False,
        max_length=MAX_RULE_LENGTH,
        help_text=gettext_lazy("RRULE of RFC 5545, such as FREQ=MONTHLY;BYDAY=MO;BYSETPOS=1."),
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    mode = forms.ChoiceField(label=gettext_lazy("Next task"), choices=MODES, initial=RecurrenceMode.FIXED.value)
    ends = forms.ChoiceField(label=gettext_lazy("Ends"), choices=ENDS, initial="never", required=False)
    until = forms.DateField(
        label=gettext_lazy("Last date"),
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )
    count = forms.IntegerField(label=gettext_lazy("Times"), required=False, min_value=2, max_value=MAX_COUNT)

    def __init__(self, *args: Any, starts_on: date, **options: Any) -> None:
        super().__init__(*args, auto_id="repeat_%s", **options)
        self.starts_on = starts_on
        self.fields["monthly_by"].choices = [
            ("day", f"the {with_suffix(starts_on.day)}"),
            ("last_day", "the last day"),
            ("weekday", f"the {ordinal_name(_week_of_month(starts_on))} {DAY_NAMES[starts_on.weekday()]}"),
        ]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        # The field that the choices make necessary.
        needed = "rule" if cleaned.get("frequency") == CUSTOM else cleaned.get("ends")
        if needed in {"rule", "until", "count"} and not cleaned.get(needed) and needed not in self.errors:
            self.add_error(needed, gettext("Write the rule.") if needed == "rule" else gettext("Choose when it ends."))
        return cleaned

    def rule_text(self) -> str:
        """Return the rule that the fields make."""
        data = self.cleaned_data
        if data["frequency"] == CUSTOM:
            return str(data["rule"])
        frequency = Frequency(data["frequency"])
        by_day: tuple[tuple[int, int], ...] = ()
        by_month_day: tuple[int, ...] = ()
        if frequency == Frequency.WEEKLY:
            by_day = tuple((0, WEEKDAYS.index(code)) for code in data["weekdays"])
        elif frequency == Frequency.MONTHLY and data["monthly_by"] == "last_day":
            by_month_day = (-1,)
        elif frequency == Frequency.MONTHLY and data["monthly_by"] == "weekday":
            by_day = ((_week_of_month(self.starts_on), self.starts_on.weekday()),)
        return str(
            Rule(
                frequency=frequency,
                interval=data["interval"] or 1,
                count=data["count"] if data["ends"] == "count" else None,
                until=data["until"] if data["ends"] == "until" else None,
                by_day=by_day,
                by_month_day=by_month_day,
            )
        )

    def add_rule_error(self, message: str) -> None:
        """Show why a rule was refused beside the field that holds it."""
        self.add_error("rule" if self.cleaned_data.get("frequency") == CUSTOM else "interval", message)


def _week_of_month(day: date) -> int:
    """Return which of its weekday the day is in its month; -1 for a fifth, which most months lack."""
    week = (day.day - 1) // 7 + 1
    return week if week < 5 else -1


def initial_data(rule: Rule, mode: str) -> dict[str, Any]:
    """Return the initial values of the form for a rule; any but the common ones is shown as text."""
    initial: dict[str, Any] = {
        "frequency": rule.frequency.value,
        "interval": rule.interval,
        "mode": mode,
        "rule": str(rule),
        "ends": "until" if rule.until else "count" if rule.count else "never",
        "until": rule.until,
        "count": rule.count,
        "weekdays": [WEEKDAYS[day] for _, day in rule.by_day],
        "monthly_by": "day",
    }
    if rule.by_month_day == (-1,):
        initial["monthly_by"] = "last_day"
    elif rule.frequency == Frequency.MONTHLY and rule.by_day:
        initial["monthly_by"] = "weekday"
    return initial


def is_common(rule: Rule, starts_on: date) -> bool:
    """Return whether the fields of the form can express the rule."""
    shape = RecurrenceForm(initial_data(rule, RecurrenceMode.FIXED), starts_on=starts_on)
    return shape.is_valid() and shape.rule_text() == str(rule)
