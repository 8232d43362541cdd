from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from accounts.users.serializers import UserOut
from core.api.fields import (
    SingleLineField,
    StrictCharField,
    StrictChoiceField,
    StrictIntegerField,
    StrictSerializer,
    TextField,
)
from core.api.pagination import PageQuerySerializer
from core.api.query_params import BooleanQueryField
from tasks.models import Category, Label, Project, State, WipPolicy
from tasks.models.project import COLOUR_VALIDATOR, MAX_WIP_LIMIT, PROJECT_KEY_VALIDATOR


class ProjectQuery(PageQuerySerializer):
    search = serializers.CharField(required=False, max_length=100)
    archived = BooleanQueryField(required=False)
    ordering = serializers.ChoiceField(choices=["name", "-name", "created_at", "-created_at"], required=False)


class LabelQuery(PageQuerySerializer):
    project = serializers.CharField(required=False, max_length=40, help_text="Id or key.")


class ProjectRef(serializers.ModelSerializer[Project]):
    class Meta:
        model = Project
        fields = ["id", "key", "name"]


PARENT_HELP = "Id or key of the project that this one is below; you manage both. At most five levels."


class ProjectInput(StrictSerializer):
    # The schema shows the pattern, and JSON Schema knows ^ and $ instead of \A and \Z.
    key = serializers.RegexField(
        PROJECT_KEY_VALIDATOR.regex.pattern.replace(r"\A", "^").replace(r"\Z", "$"), max_length=10
    )
    name = SingleLineField(max_length=120)
    description = TextField(max_length=20_000, required=False, allow_blank=True, trim_whitespace=False)
    parent = StrictCharField(max_length=40, required=False, allow_null=True, help_text=PARENT_HELP)
    template = StrictCharField(
        max_length=40,
        required=False,
        help_text="Id or key of a project whose statuses, labels, sections, custom fields and task templates are copied.",
    )


WIP_POLICY_HELP = "Whether a task that enters a full status passes with a warning or is refused (409 `wip_limit`)."


class ProjectPatch(StrictSerializer):
    name = SingleLineField(max_length=120)
    description = TextField(max_length=20_000, allow_blank=True, trim_whitespace=False)
    parent = StrictCharField(max_length=40, allow_null=True, help_text=PARENT_HELP)
    wip_policy = StrictChoiceField(choices=WipPolicy.choices, help_text=WIP_POLICY_HELP)


class ProjectOut(serializers.ModelSerializer[Project]):
    owner = UserOut()
    parent = serializers.SerializerMethodField()
    open_count = serializers.IntegerField()
    member_count = serializers.IntegerField()
    is_favourite = serializers.BooleanField(help_text="One of the caller's favourites.")

    class Meta:
        model = Project
        fields = [
            "id",
            "key",
            "name",
            "description",
            "is_inbox",
            "parent",
            "wip_policy",
            "owner",
            "open_count",
            "member_count",
            "is_favourite",
            "version",
            "created_at",
            "updated_at",
            "archived_at",
        ]

    @extend_schema_field(ProjectRef(allow_null=True, help_text="Null also where the reader may not see it."))
    def get_parent(self, project: Project) -> dict[str, Any] | None:
        visible = project.parent_id and project.parent_is_visible
        return dict(ProjectRef(project.parent).data) if visible else None


class StateInput(StrictSerializer):
    name = SingleLineField(max_length=60)
    category = StrictChoiceField(choices=Category.choices)
    wip_limit = StrictIntegerField(
        required=False,
        allow_null=True,
        min_value=1,
        max_value=MAX_WIP_LIMIT,
        help_text="Most tasks; null for no limit.",
    )


class StatePatch(StateInput):
    # None removes the inherited field: statistics rely on it.
    category = None


class StateOut(serializers.ModelSerializer[State]):
    class Meta:
        model = State
        fields = ["id", "slug", "name", "category", "position", "wip_limit", "version"]


class LabelInput(StrictSerializer):
    project = StrictCharField(source="ref", max_length=40, help_text="Id or key.")
    name = SingleLineField(max_length=60)
    colour = serializers.RegexField(
        COLOUR_VALIDATOR.regex.pattern.replace(r"\A", "^").replace(r"\Z", "$"), required=False
    )


class LabelPatch(LabelInput):
    # None removes the inherited field: a label stays in its project.
    project = None


class LabelOut(serializers.ModelSerializer[Label]):
    project = ProjectRef()

    class Meta:
        model = Label
        fields = ["id", "project", "name", "colour", "version", "created_at"]
