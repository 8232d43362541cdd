"""Shapes of projects and tasks: one class per verb's input, one per noun's output."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from accounts.users.serializers import UserOut
from core.api.fields import (
    StrictCharField,
    StrictChoiceField,
    StrictDateField,
    StrictDateTimeField,
    StrictIntegerField,
    StrictSerializer,
    StrictUUIDField,
    TextField,
    TitleField,
)
from core.api.query_params import FieldsQuerySerializer
from events.models import Event
from tasks.custom_fields.serializers import VALUE_HELP, ValueField
from tasks.items.assignees import MAX_ASSIGNEES
from tasks.items.task_columns import FIELD_NAMES, LIST_EXTRAS
from tasks.models import Category, Section, Task
from tasks.models.task import PRIORITY_NAMES
from tasks.projects.labels import MAX_LABELS
from tasks.projects.serializers import ProjectRef


class PriorityField(StrictChoiceField):
    """A priority by name: none, low, medium, high, urgent."""

    def __init__(self, **options: Any) -> None:
        super().__init__(choices=PRIORITY_NAMES, **options)

    def to_internal_value(self, data: Any) -> int:
        return PRIORITY_NAMES.index(super().to_internal_value(data))

    def to_representation(self, value: Any) -> str:
        return PRIORITY_NAMES[value] if isinstance(value, int) else str(value)


class TaskInput(StrictSerializer):
    title = TitleField(max_length=500)
    project = StrictCharField(
        max_length=40, required=False, help_text="Id or key; without it the task lands in your personal project."
    )
    # Markdown, in which leading spaces have a meaning.
    description = TextField(max_length=50_000, required=False, allow_blank=True, trim_whitespace=False)
    status = StrictCharField(max_length=40, required=False, help_text="A status of the project, or a category.")
    priority = PriorityField(required=False)
    start_date = StrictDateField(required=False, allow_null=True)
    due_date = StrictDateField(required=False, allow_null=True)
    due_at = StrictDateTimeField(required=False, allow_null=True)
    estimate = StrictIntegerField(
        required=False, allow_null=True, min_value=0, max_value=1_000_000, help_text="Minutes."
    )
    parent = StrictUUIDField(required=False, allow_null=True)
    section = StrictUUIDField(required=False, allow_null=True, help_text="Of the same project.")
    assignees = serializers.ListField(child=StrictUUIDField(), required=False, max_length=MAX_ASSIGNEES)
    labels = serializers.ListField(child=TitleField(max_length=60), required=False, max_length=MAX_LABELS)

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        # A class attribute `fields` would hide the property of that name that every serializer has.
        values = serializers.DictField(
            child=ValueField(allow_null=True), required=False, help_text="Values of custom fields by key. " + VALUE_HELP
        )
        return super().get_fields() | {"fields": values}


class TaskPatch(TaskInput):
    """Changes of a task; missing fields stay as they are."""

    # None removes the inherited field: a task stays in its project.
    project = None

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        # Custom fields are changed by `/tasks/{ref}/fields/`.
        return {name: field for name, field in super().get_fields().items() if name != "fields"}


class MoveInput(StrictSerializer):
    """The task to stand before or after (at most one of them), and the status."""

    before = StrictUUIDField(required=False)
    after = StrictUUIDField(required=False)
    status = serializers.CharField(required=False, max_length=40, help_text="A status or a category of the project.")


class TaskRef(serializers.ModelSerializer[Task]):
    key = serializers.CharField()

    class Meta:
        model = Task
        fields = ["id", "key", "title"]


class SectionRef(serializers.ModelSerializer[Section]):
    class Meta:
        model = Section
        fields = ["id", "name"]


class CountsOut(serializers.Serializer[Any]):
    total = serializers.IntegerField()
    done = serializers.IntegerField()


class ProgressOut(serializers.Serializer[Any]):
    """Progress of a task. `subtasks` counts the direct ones that the reader sees; done are closed ones."""

    subtasks = CountsOut()
    checklist = CountsOut()


class TaskOut(serializers.ModelSerializer[Task]):
    """A task in full."""

    key = serializers.CharField()
    project = ProjectRef()
    status = serializers.CharField(source="state.slug")
    category = serializers.ChoiceField(choices=Category.choices)
    priority = PriorityField()
    parent = TaskRef(allow_null=True, help_text="Null also where the reader may not see it.")
    section = SectionRef(allow_null=True)
    creator = UserOut()
    assignees = UserOut(many=True)
    labels = serializers.SerializerMethodField()
    progress = serializers.SerializerMethodField()

    class Meta:
        model = Task
        fields = FIELD_NAMES

    @extend_schema_field(serializers.ListField(child=serializers.CharField()))
    def get_labels(self, task: Task) -> list[str]:
        return sorted(label.name for label in task.labels.all())

    @extend_schema_field(ProgressOut)
    def get_progress(self, task: Task) -> dict[str, Any]:
        # Annotated by `progress_columns`.
        counts = {name: getattr(task, f"{name}_counts", None) or (0, 0) for name in ("subtask", "checklist")}
        names = {"subtasks": "subtask", "checklist": "checklist"}
        return {key: dict(zip(("total", "done"), counts[name], strict=True)) for key, name in names.items()}


class TaskListOut(TaskOut):
    """A task in a list: without its description and progress, unless `include` names them."""

    description = serializers.CharField(required=False, help_text="Only with `include=description`.")
    progress = ProgressOut(required=False, help_text="Only with `include=progress`.")

    def to_representation(self, instance: Task) -> dict[str, Any]:
        row = TaskOut(context=self.context).to_representation(instance)
        for name in LIST_EXTRAS:
            if name not in self.context.get("include", ()):
                # A list of a hundred tasks could otherwise have five megabytes.
                del row[name]
        return row


class TaskDetailQuery(FieldsQuerySerializer):
    as_of = StrictDateTimeField(
        required=False, help_text="The task as it was at this instant; 404 before its creation."
    )


class ActorOut(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    name = serializers.CharField()


class ActivityOut(serializers.ModelSerializer[Event]):
    """One entry of a task's history: `changes` is {field: [old, new]}."""

    kind = serializers.CharField(source="name")
    actor = ActorOut(source="payload.actor", allow_null=True)
    changes = serializers.SerializerMethodField()

    class Meta:
        model = Event
        fields = ["id", "kind", "actor", "occurred_at", "changes"]

    @extend_schema_field(serializers.DictField(child=serializers.ListField()))
    def get_changes(self, event: Event) -> dict[str, Any]:
        # A reader who sees this task alone, by a share, may not see the parents it had.
        hidden = {"parent"} if self.context.get("share_only") else set()
        return {name: values for name, values in event.payload.get("changes", {}).items() if name not in hidden}


class StatsOut(serializers.Serializer[Any]):
    total = serializers.IntegerField()
    open = serializers.IntegerField()
    overdue = serializers.IntegerField()
    by_category = serializers.DictField(child=serializers.IntegerField())
    by_status = serializers.DictField(child=serializers.IntegerField())
    by_priority = serializers.DictField(child=serializers.IntegerField())
    average_age_hours = serializers.FloatField(allow_null=True)
    average_hours_to_done = serializers.FloatField(allow_null=True)
