from typing import Any

from rest_framework import serializers

from core.api.fields import (
    SingleLineField,
    StrictCharField,
    StrictIntegerField,
    StrictSerializer,
    TextField,
    TitleField,
)
from tasks.custom_fields.serializers import ValueField
from tasks.items.serializers import PriorityField
from tasks.models import TaskTemplate
from tasks.models.checklist import MAX_ITEMS
from tasks.projects.labels import MAX_LABELS
from tasks.task_templates.content import MAX_DAYS, MAX_SUBTASKS

DAYS_HELP = "Days after the day on which the template is used."


class TemplateSubtask(StrictSerializer):
    """Values of a subtask that a template creates."""

    title = TitleField(max_length=500)
    description = TextField(max_length=50_000, required=False, allow_blank=True, trim_whitespace=False)
    priority = PriorityField(required=False)
    estimate = StrictIntegerField(required=False, allow_null=True, min_value=0, max_value=1_000_000)
    labels = serializers.ListField(child=TitleField(max_length=60), required=False, max_length=MAX_LABELS)
    start_in_days = StrictIntegerField(
        required=False, allow_null=True, min_value=0, max_value=MAX_DAYS, help_text=DAYS_HELP
    )
    due_in_days = StrictIntegerField(
        required=False, allow_null=True, min_value=0, max_value=MAX_DAYS, help_text=DAYS_HELP
    )


class TemplateContent(TemplateSubtask):
    """Values of the task that a template creates."""

    checklist = serializers.ListField(child=SingleLineField(max_length=500), required=False, max_length=MAX_ITEMS)
    subtasks = TemplateSubtask(many=True, required=False, max_length=MAX_SUBTASKS)  # type: ignore[call-arg]

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        # A class attribute `fields` would hide the property of that name that every serializer has.
        values = serializers.DictField(
            child=ValueField(allow_null=True), required=False, help_text="Values of custom fields by key."
        )
        return super().get_fields() | {"fields": values}


class TemplateInput(StrictSerializer):
    name = SingleLineField(max_length=120)
    task = StrictCharField(max_length=40, required=False, help_text="Id or key of the task to save as a template.")
    content = TemplateContent(required=False)


class TemplatePatch(StrictSerializer):
    name = SingleLineField(max_length=120)
    content = TemplateContent()


class TemplateTaskInput(StrictSerializer):
    title = TitleField(max_length=500, required=False, help_text="Instead of the template's.")


class TemplateOut(serializers.ModelSerializer[TaskTemplate]):
    content = TemplateContent()

    class Meta:
        model = TaskTemplate
        fields = ["id", "name", "content", "version", "created_at"]
