from __future__ import annotations

from typing import Any

from rest_framework import serializers

from core.api.fields import StrictCharField, StrictIntegerField, StrictSerializer, StrictUUIDField, TitleField
from tasks.bulk import background, removals, services
from tasks.items.assignees import MAX_ASSIGNEES
from tasks.items.serializers import TaskPatch
from tasks.models import BulkJob
from tasks.projects.labels import MAX_LABELS


class BulkChanges(TaskPatch):
    """Changes of every task; `add_…` and `remove_…` keep what else each has."""

    title = None
    description = None
    parent = None
    add_assignees = serializers.ListField(child=StrictUUIDField(), required=False, max_length=MAX_ASSIGNEES)
    remove_assignees = serializers.ListField(child=StrictUUIDField(), required=False, max_length=MAX_ASSIGNEES)
    add_labels = serializers.ListField(child=TitleField(max_length=60), required=False, max_length=MAX_LABELS)
    remove_labels = serializers.ListField(child=TitleField(max_length=60), required=False, max_length=MAX_LABELS)


class BulkInput(StrictSerializer):
    """Tasks by `ids`, or all that match `filter` if they are `expected_count`."""

    ids = serializers.ListField(child=StrictUUIDField(), required=False, min_length=1, max_length=services.MAX_TASKS)
    filter = StrictCharField(required=False, max_length=2000, help_text="Terms of the filter language.")
    expected_count = StrictIntegerField(required=False, min_value=1, max_value=services.MAX_TASKS_OF_JOB)
    changes = BulkChanges()

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if ("ids" in attrs) == ("filter" in attrs):
            raise serializers.ValidationError({"ids": "Name the tasks: by `ids` or by `filter`."})
        if ("filter" in attrs) != ("expected_count" in attrs):
            raise serializers.ValidationError({"expected_count": "Say how many tasks the filter matches."})
        if not attrs["changes"]:
            raise serializers.ValidationError({"changes": "Name at least one change."})
        return attrs


class BulkDeletionInput(StrictSerializer):
    """Tasks to move to the trash, by their ids."""

    ids = serializers.ListField(child=StrictUUIDField(), min_length=1, max_length=removals.MAX_DELETED)


class BulkDeletionOut(serializers.Serializer[Any]):
    """How many tasks were moved to the trash."""

    deleted = serializers.IntegerField()


class BulkJobOut(serializers.ModelSerializer[BulkJob]):
    """A change of many tasks, a deletion or a restoration by a worker; `total` is 0 while it is not known."""

    processed = serializers.SerializerMethodField(help_text="Tasks, or rows of a deletion, that the worker looked at.")

    class Meta:
        model = BulkJob
        fields = ["id", "kind", "title", "state", "total", "processed", "updated", "error", "undo_token", "created_at"]

    def get_processed(self, job: BulkJob) -> int:
        return background.get_progress(job)


class BulkOut(serializers.Serializer[background.BulkResult]):
    """How many tasks were matched, and how many of them had to be changed; or the job that will do it."""

    matched = serializers.IntegerField()
    updated = serializers.IntegerField()
    job = BulkJobOut(allow_null=True)
