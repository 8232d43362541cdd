from __future__ import annotations

from datetime import datetime

from rest_framework import serializers

from core.api.fields import StrictDateTimeField, StrictIntegerField, StrictSerializer
from tasks.models import Reminder
from tasks.models.reminder import MAX_DAYS_BEFORE, MAX_MINUTES_BEFORE
from tasks.reminders.timing import describe, fire_time

TIME_FORMAT = "%H:%M"


class ReminderInput(StrictSerializer):
    """One of: `at`; `minutes_before`; or `days_before` with `time`."""

    at = StrictDateTimeField(required=False, help_text="An instant.")
    minutes_before = StrictIntegerField(
        required=False,
        min_value=0,
        max_value=MAX_MINUTES_BEFORE,
        help_text="Before the task is due; for a whole day, before your reminder time on it.",
    )
    days_before = StrictIntegerField(
        required=False, min_value=0, max_value=MAX_DAYS_BEFORE, help_text="0 is the due day. Needs `time`."
    )
    time = serializers.TimeField(
        required=False, format=TIME_FORMAT, input_formats=[TIME_FORMAT], help_text="HH:MM in your time zone."
    )


class ReminderOut(serializers.ModelSerializer[Reminder]):
    """A reminder of the caller's own."""

    time = serializers.TimeField(format=TIME_FORMAT, allow_null=True)
    description = serializers.SerializerMethodField(help_text="The reminder in words.")
    fires_at = serializers.SerializerMethodField(help_text="Null while the task has no due date.")

    class Meta:
        model = Reminder
        fields = [
            "id",
            "at",
            "minutes_before",
            "days_before",
            "time",
            "description",
            "fires_at",
            "sent_at",
            "created_at",
        ]

    def get_description(self, reminder: Reminder) -> str:
        return describe(reminder, reminder.user)

    def get_fires_at(self, reminder: Reminder) -> datetime | None:
        # As it is now: the job has not followed yet when the due date was just moved.
        return fire_time(reminder, reminder.task, reminder.user)
