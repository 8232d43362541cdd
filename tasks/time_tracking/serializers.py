from __future__ import annotations

from rest_framework import serializers

from accounts.users.serializers import UserOut
from core.api.fields import StrictDateTimeField, StrictIntegerField, StrictSerializer, TitleField
from tasks.items.serializers import TaskRef
from tasks.models import TimeEntry
from tasks.models.time_entry import MAX_ENTRY_MINUTES, MAX_NOTE_LENGTH
from tasks.time_tracking.selectors import CurrentTimer


class TimeEntryInput(StrictSerializer):
    minutes = StrictIntegerField(min_value=1, max_value=MAX_ENTRY_MINUTES)
    started_at = StrictDateTimeField(required=False, help_text="Without it the minutes end now.")
    note = TitleField(max_length=MAX_NOTE_LENGTH, required=False, allow_blank=True)


class TimeEntryPatch(StrictSerializer):
    minutes = StrictIntegerField(min_value=1, max_value=MAX_ENTRY_MINUTES, required=False)
    started_at = StrictDateTimeField(required=False)
    note = TitleField(max_length=MAX_NOTE_LENGTH, required=False, allow_blank=True)


class TimeEntryOut(serializers.ModelSerializer[TimeEntry]):
    """Time that a user worked on a task; without `ended_at` a running timer."""

    user = UserOut()

    class Meta:
        model = TimeEntry
        fields = ["id", "user", "started_at", "ended_at", "minutes", "note", "version", "created_at"]


class TimerOut(TimeEntryOut):
    """A running timer and its task."""

    task = TaskRef()

    class Meta(TimeEntryOut.Meta):
        fields = [*TimeEntryOut.Meta.fields, "task"]


class CurrentTimerOut(serializers.Serializer[CurrentTimer]):
    """The running timer of the caller; null while none runs."""

    timer = TimerOut(allow_null=True)
