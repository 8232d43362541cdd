from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from core.api.fields import (
    SingleLineField,
    StrictBooleanField,
    StrictChoiceField,
    StrictIntegerField,
    StrictSerializer,
    StrictUUIDField,
    TextField,
)
from core.api.pagination import PageQuerySerializer
from core.api.query_params import BooleanQueryField, QuerySerializer
from tasks.custom_fields.definitions import MAX_FIELDS, MAX_OPTIONS
from tasks.models import CustomField, CustomFieldOption, FieldKind
from tasks.models.custom_field import FIELD_KEY_VALIDATOR
from tasks.models.project import COLOUR_VALIDATOR

VALUE_HELP = (
    "By kind: a text, a number, a day (`2026-05-04`), the slug of an option or a list of slugs, the id of a member, "
    "`true` or `false`. Null is no value."
)


def _pattern(validator: Any) -> str:
    # The schema shows the pattern, and JSON Schema knows ^ and $ instead of \A and \Z.
    return str(validator.regex.pattern).replace(r"\A", "^").replace(r"\Z", "$")


@extend_schema_field(
    {
        "oneOf": [
            {"type": "string"},
            {"type": "number"},
            {"type": "boolean"},
            {"type": "array", "items": {"type": "string"}},
        ],
        "nullable": True,
    }
)
class ValueField(serializers.JSONField):
    """The value of a custom field; services check it by the field's kind."""


class OptionInput(StrictSerializer):
    name = SingleLineField(max_length=60)
    colour = serializers.RegexField(_pattern(COLOUR_VALIDATOR), required=False)


class OptionPatch(OptionInput):
    position = StrictIntegerField(min_value=0, max_value=MAX_OPTIONS - 1, required=False, help_text="Counted from 0.")


class OptionOut(serializers.ModelSerializer[CustomFieldOption]):
    class Meta:
        model = CustomFieldOption
        fields = ["id", "slug", "name", "colour", "position", "version"]


class OptionDeleteQuery(QuerySerializer):
    replace_with = serializers.CharField(
        required=False, max_length=60, help_text="Slug or id of the option that tasks get instead."
    )
    remove = BooleanQueryField(required=False, help_text="Take the option off the tasks that have it.")


class FieldInput(StrictSerializer):
    name = SingleLineField(max_length=60)
    kind = StrictChoiceField(choices=FieldKind.choices)
    key = serializers.RegexField(
        _pattern(FIELD_KEY_VALIDATOR),
        max_length=40,
        required=False,
        help_text="How programs and filters call the field; made from the name if it is missing. It never changes.",
    )
    description = TextField(max_length=500, required=False, allow_blank=True)
    required = StrictBooleanField(
        required=False,
        help_text="New tasks need a value, which cannot be cleared. Tasks that have none stay as they are.",
    )
    default = ValueField(required=False, allow_null=True, help_text="Of new tasks. " + VALUE_HELP)
    options = serializers.ListField(child=OptionInput(), required=False, max_length=MAX_OPTIONS)


class FieldPatch(StrictSerializer):
    name = SingleLineField(max_length=60, required=False)
    kind = StrictChoiceField(
        choices=FieldKind.choices,
        required=False,
        help_text="Only where no value is lost: text and URL to each other, select to multi-select.",
    )
    description = TextField(max_length=500, required=False, allow_blank=True)
    required = StrictBooleanField(required=False)
    default = ValueField(required=False, allow_null=True, help_text=VALUE_HELP)
    archived = StrictBooleanField(required=False, help_text="An archived field is hidden; tasks keep their values.")


class FieldOut(serializers.ModelSerializer[CustomField]):
    """A custom field. `shared` fields are the same in several projects."""

    shared = serializers.SerializerMethodField()
    default = ValueField(allow_null=True)
    options = serializers.SerializerMethodField()

    class Meta:
        model = CustomField
        fields = [
            "id",
            "key",
            "name",
            "kind",
            "description",
            "required",
            "default",
            "shared",
            "options",
            "version",
            "created_at",
            "archived_at",
        ]

    def get_shared(self, field: CustomField) -> bool:
        return field.project_id is None

    @extend_schema_field(OptionOut(many=True))
    def get_options(self, field: Any) -> list[dict[str, Any]]:
        return list(field.option_rows)


class ProjectFieldOut(FieldOut):
    """A field of a project, at its place."""

    position = serializers.IntegerField(help_text="Place in the project's order.")

    class Meta(FieldOut.Meta):
        fields = [*FieldOut.Meta.fields, "position"]


class FieldQuery(PageQuerySerializer):
    archived = BooleanQueryField(required=False)


class LinkInput(StrictSerializer):
    field = StrictUUIDField(help_text="Id of a shared field.")


class MoveFieldInput(StrictSerializer):
    position = StrictIntegerField(min_value=0, max_value=MAX_FIELDS - 1, help_text="Counted from 0.")


class TaskFieldsPatch(StrictSerializer):
    """Values to set by the keys of fields; others stay as they are."""

    fields_ = serializers.DictField(child=ValueField(allow_null=True), help_text=VALUE_HELP)

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        fields = super().get_fields()
        # A class attribute `fields` would hide the property of that name that every serializer has.
        fields["fields"] = fields.pop("fields_")
        return fields


class TaskFieldsOut(TaskFieldsPatch):
    """The values of a task by the keys of its project's fields; `version` is the task's."""

    version = serializers.IntegerField()
