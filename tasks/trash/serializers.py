from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from accounts.users.serializers import UserOut
from core.api.pagination import PageQuerySerializer
from tasks.models import TrashEntry
from tasks.projects.serializers import ProjectRef


class TrashQuery(PageQuerySerializer):
    project = serializers.CharField(required=False, max_length=40, help_text="Id or key.")
    kind = serializers.ChoiceField(choices=TrashEntry.Kind.values, required=False)


class TrashEntryOut(serializers.ModelSerializer[TrashEntry]):
    """A deleted object. `row_count` counts it with all that was deleted with it."""

    project = serializers.SerializerMethodField()
    deleted_by = UserOut(allow_null=True)

    class Meta:
        model = TrashEntry
        fields = ["id", "kind", "object_id", "title", "project", "row_count", "deleted_by", "deleted_at", "purge_at"]

    @extend_schema_field(
        ProjectRef(
            allow_null=True,
            help_text="Null for a deleted project, while the project is deleted, and where the caller does not see it.",
        )
    )
    def get_project(self, entry: Any) -> Any:
        return ProjectRef(entry.project).data if entry.project and entry.shows_project else None


class RestorationOut(serializers.Serializer[Any]):
    """A restored object. `skipped` counts rows whose other end is gone, by model."""

    kind = serializers.ChoiceField(choices=TrashEntry.Kind.values)
    object_id = serializers.UUIDField()
    title = serializers.CharField()
    project = ProjectRef(allow_null=True)
    skipped = serializers.DictField(child=serializers.IntegerField())
