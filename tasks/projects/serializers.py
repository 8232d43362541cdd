from rest_framework import serializers

from accounts.users.serializers import UserOut
from core.api.fields import SingleLineField, StrictCharField, StrictChoiceField, StrictSerializer, TextField
from core.api.pagination import PageQuerySerializer
from core.api.query_params import BooleanQueryField
from tasks.models import Category, Label, Project, State
from tasks.models.project import COLOUR_VALIDATOR, PROJECT_KEY_VALIDATOR


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


class ProjectInput(StrictSerializer):
    # The schema shows the pattern, and JSON Schema knows ^ and $ instead of \A and \Z.
    key = serializers.RegexField(
        PROJECT_KEY_VALIDATOR.regex.pattern.replace(r"\A", "^").replace(r"\Z", "$"), max_length=10
    )
    name = SingleLineField(max_length=120)
    description = TextField(max_length=20_000, required=False, allow_blank=True, trim_whitespace=False)


class ProjectPatch(StrictSerializer):
    name = SingleLineField(max_length=120)
    description = TextField(max_length=20_000, allow_blank=True, trim_whitespace=False)


class ProjectOut(serializers.ModelSerializer[Project]):
    owner = UserOut()
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
            "owner",
            "open_count",
            "member_count",
            "is_favourite",
            "version",
            "created_at",
            "updated_at",
            "archived_at",
        ]


class StateInput(StrictSerializer):
    name = SingleLineField(max_length=60)
    category = StrictChoiceField(choices=Category.choices)


class StatePatch(StrictSerializer):
    name = SingleLineField(max_length=60)


class StateOut(serializers.ModelSerializer[State]):
    class Meta:
        model = State
        fields = ["id", "slug", "name", "category", "position", "version"]


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
