"""Shapes of projects and tasks: one class per verb's input, one per noun's output."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from accounts.api.serializers import PersonOut
from events.models import Event
from gateway.fields import Choice, Day, Input, Instant, Integer, Line, Text, Uuid
from tasks.models import Category, Comment, Label, Priority, Project, ProjectMember, Role, State, Task
from tasks.models.project import COLOUR, KEY

PRIORITIES = [priority.name.lower() for priority in Priority]


class PriorityField(Choice):
    """A priority by name: none, low, medium, high, urgent."""

    def __init__(self, **options: Any) -> None:
        super().__init__(choices=PRIORITIES, **options)

    def to_internal_value(self, data: Any) -> int:
        return PRIORITIES.index(super().to_internal_value(data))

    def to_representation(self, value: Any) -> str:
        return PRIORITIES[value] if isinstance(value, int) else str(value)


class TaskInput(Input):
    title = Text(max_length=500)
    project = Text(max_length=40, required=False, help_text="Id or key; without it the task lands in your own inbox.")
    description = Text(max_length=50_000, required=False, allow_blank=True, trim_whitespace=False)
    status = Text(max_length=40, required=False, help_text="A status of the project, or a category.")
    priority = PriorityField(required=False)
    start_date = Day(required=False, allow_null=True)
    due_date = Day(required=False, allow_null=True)
    due_at = Instant(required=False, allow_null=True)
    estimate = Integer(required=False, allow_null=True, min_value=0, max_value=1_000_000, help_text="Minutes.")
    parent = Uuid(required=False, allow_null=True)
    assignees = serializers.ListField(child=Uuid(), required=False, max_length=20)
    labels = serializers.ListField(child=Text(max_length=60), required=False, max_length=20)


class TaskPatch(TaskInput):
    project = None


class MoveInput(Input):
    before = Uuid(required=False)
    after = Uuid(required=False)


class ProjectRef(serializers.ModelSerializer[Project]):
    class Meta:
        model = Project
        fields = ["id", "key", "name"]


class TaskRef(serializers.ModelSerializer[Task]):
    key = serializers.CharField()

    class Meta:
        model = Task
        fields = ["id", "key", "title"]


class TaskOut(serializers.ModelSerializer[Task]):
    """A task in full."""

    key = serializers.CharField()
    project = ProjectRef()
    status = serializers.CharField(source="state.slug")
    category = serializers.ChoiceField(choices=Category.choices)
    priority = PriorityField()
    parent = TaskRef(allow_null=True, help_text="Null also where the reader may not see it.")
    creator = PersonOut()
    assignees = PersonOut(many=True)
    labels = serializers.SerializerMethodField()

    class Meta:
        model = Task
        fields = [
            "id",
            "key",
            "number",
            "project",
            "title",
            "description",
            "status",
            "category",
            "priority",
            "start_date",
            "due_date",
            "due_at",
            "estimate",
            "parent",
            "creator",
            "assignees",
            "labels",
            "position",
            "version",
            "created_at",
            "updated_at",
            "started_at",
            "closed_at",
        ]

    @extend_schema_field(serializers.ListField(child=serializers.CharField()))
    def get_labels(self, task: Task) -> list[str]:
        return sorted(label.name for label in task.labels.all())


class TaskRow(TaskOut):
    """A task in a list: without its description, unless `include=description`."""

    description = serializers.CharField(required=False, help_text="Only with `include=description`.")

    def to_representation(self, instance: Task) -> dict[str, Any]:
        row = super().to_representation(instance)
        if "description" not in self.context.get("include", ()):
            del row["description"]
        return row


class ProjectInput(Input):
    key = serializers.RegexField(KEY.regex.pattern.replace(r"\A", "^").replace(r"\Z", "$"), max_length=10)
    name = Line(max_length=120)
    description = Text(max_length=20_000, required=False, allow_blank=True, trim_whitespace=False)


class ProjectPatch(Input):
    name = Line(max_length=120)
    description = Text(max_length=20_000, allow_blank=True, trim_whitespace=False)


class ProjectOut(serializers.ModelSerializer[Project]):
    owner = PersonOut()
    open_count = serializers.IntegerField()
    member_count = serializers.IntegerField()

    class Meta:
        model = Project
        fields = [
            "id",
            "key",
            "name",
            "description",
            "is_inbox",
            "owner",
            "open_count",
            "member_count",
            "version",
            "created_at",
            "updated_at",
            "archived_at",
        ]


class OnePerson(Input):
    """Name the person by `user` or by `email`."""

    user = Uuid(required=False)
    email = serializers.EmailField(required=False, max_length=254)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if ("user" in attrs) == ("email" in attrs):
            raise serializers.ValidationError({"user": "Name one person: by user or by email."})
        return attrs


class MemberInput(OnePerson):
    role = Choice(choices=Role.choices, default=Role.EDITOR)


class MemberPatch(Input):
    role = Choice(choices=Role.choices)


class MemberOut(serializers.ModelSerializer[ProjectMember]):
    """`role` is the person's own, null where only teams give one; `effective_role` is the highest of these."""

    user = PersonOut()

    class Meta:
        model = ProjectMember
        fields = ["user", "role", "effective_role", "version", "created_at"]


class StateInput(Input):
    name = Line(max_length=60)
    category = Choice(choices=Category.choices)


class StatePatch(Input):
    name = Line(max_length=60)


class StateOut(serializers.ModelSerializer[State]):
    class Meta:
        model = State
        fields = ["id", "slug", "name", "category", "position", "version"]


class LabelInput(Input):
    project = Text(max_length=40, help_text="Id or key.")
    name = Line(max_length=60)
    colour = serializers.RegexField(COLOUR.regex.pattern.replace(r"\A", "^").replace(r"\Z", "$"), required=False)


class LabelPatch(LabelInput):
    project = None


class LabelOut(serializers.ModelSerializer[Label]):
    project = ProjectRef()

    class Meta:
        model = Label
        fields = ["id", "project", "name", "colour", "version", "created_at"]


class CommentInput(Input):
    body = Text(max_length=20_000, trim_whitespace=False)


class CommentOut(serializers.ModelSerializer[Comment]):
    author = PersonOut()

    class Meta:
        model = Comment
        fields = ["id", "author", "body", "version", "created_at", "edited_at"]


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
        # Who sees the task `alone`, without its project, is not told what it was part of.
        unsaid = {"parent"} if self.context.get("alone") else set()
        return {name: both for name, both in event.payload.get("changes", {}).items() if name not in unsaid}


class StatsOut(serializers.Serializer[Any]):
    total = serializers.IntegerField()
    open = serializers.IntegerField()
    overdue = serializers.IntegerField()
    by_category = serializers.DictField(child=serializers.IntegerField())
    by_status = serializers.DictField(child=serializers.IntegerField())
    by_priority = serializers.DictField(child=serializers.IntegerField())
    average_age_hours = serializers.FloatField(allow_null=True)
    average_hours_to_done = serializers.FloatField(allow_null=True)
