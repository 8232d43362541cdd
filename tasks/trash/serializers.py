from typing import Any

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

    project = ProjectRef(allow_null=True, help_text="Null for a deleted project, and while the project is deleted.")
    deleted_by = UserOut(allow_null=True)

    class Meta:
        model = TrashEntry
        fields = ["id", "kind", "object_id", "title", "project", "row_count", "deleted_by", "deleted_at", "purge_at"]


class RestorationOut(serializers.Serializer[Any]):
    """A restored object. `skipped` counts rows whose other end is gone, by model."""

    kind = serializers.ChoiceField(choices=TrashEntry.Kind.values)
    object_id = serializers.UUIDField()
    title = serializers.CharField()
    project = ProjectRef(allow_null=True)
    skipped = serializers.DictField(child=serializers.IntegerField())
