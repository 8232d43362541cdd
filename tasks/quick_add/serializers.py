"""Shapes of a quick-add text and of its meaning."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from accounts.users.serializers import UserOut
from core.api.fields import StrictCharField, StrictSerializer
from core.serialization import to_json
from core.validators import validate_no_control_characters, validate_not_blank
from tasks.items.serializers import PriorityField
from tasks.models.task import PRIORITY_NAMES
from tasks.projects.serializers import ProjectRef
from tasks.quick_add.interpretation import Interpretation
from tasks.quick_add.parsing import MAX_LENGTH, Kind, Span

OFFSET_HELP = "Offset in code points; `end` is after the last one."


class QuickAddText(StrictSerializer):
    # As it was sent, since the spans are places in it.
    text = StrictCharField(
        max_length=MAX_LENGTH,
        trim_whitespace=False,
        validators=[validate_not_blank, validate_no_control_characters],
        help_text="One line, like: Pay rent tomorrow 9am #home @ana +bills !high ~30m every month",
    )
    project = StrictCharField(
        max_length=40,
        required=False,
        help_text="Id or key of the project, where the text names none; without it your personal project.",
    )


class QuickAddSpan(serializers.Serializer[Span]):
    start = serializers.IntegerField(help_text=OFFSET_HELP)
    end = serializers.IntegerField()
    kind = serializers.ChoiceField(choices=[(kind.value, kind.value) for kind in Kind])
    text = serializers.CharField()
    value = serializers.SerializerMethodField(
        help_text="What the words mean: a name, handle or label, a priority, minutes, a date, a local time, an instant,"
        " or an RRULE."
    )

    def get_value(self, span: Span) -> str:
        return PRIORITY_NAMES[span.value] if span.kind is Kind.PRIORITY else str(to_json(span.value))


class QuickAddProblem(serializers.Serializer[Any]):
    code = serializers.CharField()
    message = serializers.CharField()
    start = serializers.IntegerField(help_text=OFFSET_HELP)
    end = serializers.IntegerField()


class QuickAddRecurrence(serializers.Serializer[Any]):
    rule = serializers.CharField(help_text="RRULE of RFC 5545.")
    description = serializers.CharField(help_text="The rule in words.")


class QuickAddFields(serializers.Serializer[Interpretation]):
    project = ProjectRef(allow_null=True, help_text="Null for a personal project that is created with its first task.")
    priority = PriorityField()
    due_date = serializers.DateField(allow_null=True)
    due_at = serializers.DateTimeField(allow_null=True)
    estimate = serializers.IntegerField(allow_null=True, help_text="Minutes.")
    assignees = UserOut(many=True)
    labels = serializers.ListField(child=serializers.CharField())
    recurrence = QuickAddRecurrence(allow_null=True)


class QuickAddOut(serializers.Serializer[Interpretation]):
    """Meaning of a quick-add text: the task that it would create."""

    title = serializers.CharField(help_text="The text without the spans; blank if it has nothing else.")
    spans = QuickAddSpan(many=True)
    problems = QuickAddProblem(many=True, help_text="What stays in the title, although it may mean something.")

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        # A class attribute `fields` would hide the property of that name that every serializer has.
        return super().get_fields() | {"fields": QuickAddFields(source="*")}
