from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from core.api.fields import StrictCharField, StrictChoiceField, StrictDateField, StrictSerializer
from core.api.query_params import QuerySerializer
from core.clock import current_time
from tasks.models import Recurrence, RecurrenceMode
from tasks.models.recurrence import MAX_EXCEPTIONS
from tasks.recurrence.rules import MAX_COUNT, MAX_INTERVAL, MAX_RULE_LENGTH
from tasks.recurrence.schedule import PREVIEW_LENGTH, Series, series_of, upcoming_days
from tasks.recurrence.wording import describe

TIME_FORMAT = "%H:%M"
RULE_HELP_TEXT = (
    "RRULE of RFC 5545, such as FREQ=WEEKLY;BYDAY=MO,TH. At most once a day: no BYHOUR, BYMINUTE or BYSECOND. "
    f"INTERVAL is at most {MAX_INTERVAL}, COUNT at most {MAX_COUNT}."
)
MODE_HELP_TEXT = "`fixed` by schedule, or `after_completion` counted from the day on which the task is closed."
ZONE_HELP_TEXT = "A name of the IANA database, like Europe/Berlin; your own, if left out."


class RecurrenceInput(StrictSerializer):
    rule = StrictCharField(max_length=MAX_RULE_LENGTH, help_text=RULE_HELP_TEXT)
    mode = StrictChoiceField(choices=RecurrenceMode.choices, required=False, help_text=MODE_HELP_TEXT)
    time_zone = StrictCharField(max_length=60, required=False, help_text=ZONE_HELP_TEXT)
    exceptions = serializers.ListField(
        child=StrictDateField(), required=False, max_length=MAX_EXCEPTIONS, help_text="Days without an occurrence."
    )


class NextOccurrence(serializers.Serializer[Any]):
    date = serializers.DateField(help_text="Day in the time zone of the series.")
    due_at = serializers.DateTimeField(allow_null=True, help_text="Null for whole days.")


def next_occurrences(series: Series, days: list[Any]) -> list[dict[str, Any]]:
    is_timed = series.time_of_day is not None
    return [{"date": day, "due_at": series.instant(day) if is_timed else None} for day in days]


class RecurrenceOut(serializers.ModelSerializer[Recurrence]):
    """The series of a task. `next` holds the next occurrences; after completion, as if each was completed when due."""

    description = serializers.SerializerMethodField(help_text="The rule in words.")
    next = serializers.SerializerMethodField(help_text=f"The next {PREVIEW_LENGTH} occurrences.")

    class Meta:
        model = Recurrence
        fields = [
            "rule", "mode", "time_zone", "exceptions", "description", "starts_on", "occurs_on", "number", "next",
            "version", "created_at", "updated_at",
        ]  # fmt: skip

    def get_description(self, recurrence: Recurrence) -> str:
        return describe(series_of(recurrence))

    @extend_schema_field(NextOccurrence(many=True))
    def get_next(self, recurrence: Recurrence) -> list[dict[str, Any]]:
        series, number = series_of(recurrence), recurrence.number - recurrence.first_number + 1
        days = upcoming_days(series, after=recurrence.occurs_on, number=number, now=current_time())
        return next_occurrences(series, days)


class PreviewQuery(QuerySerializer):
    rule = serializers.CharField(max_length=MAX_RULE_LENGTH, help_text=RULE_HELP_TEXT)
    mode = serializers.ChoiceField(choices=RecurrenceMode.choices, required=False, help_text=MODE_HELP_TEXT)
    time_zone = serializers.CharField(max_length=60, required=False, help_text=ZONE_HELP_TEXT)
    starts_on = StrictDateField(required=False, help_text="Day of the first occurrence; today, if left out.")
    time_of_day = serializers.TimeField(
        required=False, format=TIME_FORMAT, input_formats=[TIME_FORMAT], help_text="HH:MM; whole days, if left out."
    )


class PreviewOut(serializers.Serializer[Any]):
    """Meaning of a rule, before it is saved."""

    rule = serializers.CharField(help_text="The rule in its canonical form.")
    description = serializers.CharField(help_text="The rule in words.")
    next = NextOccurrence(many=True, help_text=f"The {PREVIEW_LENGTH} occurrences after the first day.")
