from __future__ import annotations

from typing import Any

from rest_framework import serializers

from accounts.users.serializers import UserOut
from core.api.fields import (
    SingleLineField,
    StrictBooleanField,
    StrictCharField,
    StrictIntegerField,
    StrictSerializer,
    StrictUUIDField,
    TextField,
)
from core.api.pagination import PageQuerySerializer
from core.api.query_params import BooleanQueryField
from tasks.filters.columns import MAX_COLUMNS
from tasks.members.serializers import TeamRef
from tasks.models import SavedFilter
from tasks.projects.serializers import ProjectRef

MAX_POSITION = 100_000


class SavedFilterQuery(PageQuerySerializer):
    search = serializers.CharField(required=False, max_length=100, help_text="Part of the name.")
    own = BooleanQueryField(required=False, help_text="Your own only, or only those of others.")


class SavedFilterInput(StrictSerializer):
    name = SingleLineField(max_length=100)
    filter = TextField(trim_whitespace=False, help_text="Terms of the filter language; stored in canonical form.")
    project = StrictCharField(
        max_length=40, required=False, allow_null=True, help_text="Id or key: share the filter with its members."
    )
    team = StrictUUIDField(required=False, allow_null=True, help_text="Share the filter with the team's members.")
    everyone = StrictBooleanField(required=False, help_text="Share the filter with everyone.")
    position = StrictIntegerField(required=False, min_value=0, max_value=MAX_POSITION, help_text="In your own list.")
    is_favourite = StrictBooleanField(required=False)
    ordering = StrictCharField(
        max_length=40, required=False, allow_blank=True, help_text="Order on the page; empty for the newest changes."
    )
    grouping = StrictCharField(
        max_length=20, required=False, allow_blank=True, help_text="`section`, `state` or `assignee`; empty for none."
    )
    columns = serializers.ListField(
        child=StrictCharField(max_length=50),
        required=False,
        max_length=MAX_COLUMNS,
        help_text="Columns on the page in their order, such as `title`, `due` and `field.cost`; empty for the defaults.",
    )


class SavedFilterPatch(SavedFilterInput):
    pass


class SavedFilterOut(serializers.ModelSerializer[SavedFilter]):
    owner = UserOut()
    project = ProjectRef(allow_null=True)
    team = TeamRef(allow_null=True)
    columns = serializers.ListField(child=serializers.CharField())
    is_subscribed = serializers.BooleanField(help_text="Whether you are told of tasks that enter the filter.")

    class Meta:
        model = SavedFilter
        fields = [
            "id",
            "name",
            "filter",
            "owner",
            "project",
            "team",
            "everyone",
            "position",
            "is_favourite",
            "ordering",
            "grouping",
            "columns",
            "is_subscribed",
            "version",
            "created_at",
            "updated_at",
        ]


class FilterText(StrictSerializer):
    filter = TextField(trim_whitespace=False, allow_blank=True)


class FilterTerm(serializers.Serializer[Any]):
    text = serializers.CharField(help_text="In canonical form.")
    start = serializers.IntegerField(help_text="Offset in the text that was sent; `end` is after the last character.")
    end = serializers.IntegerField()
    name = serializers.CharField(help_text="Empty for a word to search for, and for a group with OR.")
    operator = serializers.CharField()
    values = serializers.ListField(child=serializers.CharField())
    is_negated = serializers.BooleanField()


class ParsedFilter(serializers.Serializer[Any]):
    filter = serializers.CharField(help_text="In canonical form.")
    terms = FilterTerm(many=True, help_text="The conditions that all must hold.")
    params = serializers.DictField(
        allow_null=True, help_text="Parameters of the task list that say the same; null where they cannot."
    )
